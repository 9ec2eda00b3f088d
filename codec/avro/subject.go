package avro

import "fmt"

// SubjectBy says under which name the schema of a message is kept in the registry.
type SubjectBy string

const (
	// SubjectByTopic is <topic>-value: one type per topic. The default.
	SubjectByTopic SubjectBy = "topic"
	// SubjectByRecord is the full name of the record: one line of versions wherever it is sent.
	SubjectByRecord SubjectBy = "record"
	// SubjectByTopicRecord is <topic>-<full name>: several types on one topic.
	SubjectByTopicRecord SubjectBy = "topic-record"
)

func (s SubjectBy) validate() error {
	switch s {
	case "", SubjectByTopic, SubjectByRecord, SubjectByTopicRecord:
		return nil
	}
	return fmt.Errorf("avro subject strategy %q is unknown: use topic, record or topic-record", s)
}

// of is how the schemas of a topic are named: several types cannot share its subject.
func (s SubjectBy) of(several bool) SubjectBy {
	if several && s == SubjectByTopic {
		return SubjectByTopicRecord
	}
	return s
}

func (s SubjectBy) subject(topic, record string) string {
	switch s {
	case SubjectByRecord:
		return record
	case SubjectByTopicRecord:
		return topic + "-" + record
	case SubjectByTopic:
	}
	return topic + "-value"
}
