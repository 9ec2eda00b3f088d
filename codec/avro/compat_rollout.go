package avro

// Rollout is an order in which services take over a changed schema.
type Rollout string

const (
	// EitherOrder means that all readers read all data.
	EitherOrder Rollout = "either"
	// ConsumersFirst means that newer readers read older data, but not the other way.
	ConsumersFirst Rollout = "consumers first"
	// ProducersFirst means that older readers read newer data, but not the other way.
	ProducersFirst Rollout = "producers first"
	// NotInPlace means that neither reads the other's data.
	NotInPlace Rollout = "not possible in place"
)

// Advice says in a sentence what to do.
func (r Rollout) Advice() string {
	switch r {
	case EitherOrder:
		return "roll out consumers and producers in any order"
	case ConsumersFirst:
		return "roll out all consumers, then the producers; older consumers must be gone before the first new message"
	case ProducersFirst:
		return "roll out all producers, then the consumers once no old message is left to read"
	case NotInPlace:
	}
	return "publish the new type to a topic of its own, let consumers read both, and retire the old topic"
}
