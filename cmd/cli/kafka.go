package cli

import (
	"github.com/spf13/cobra"
)

// newKafka is another spelling of commands: people who come from elsewhere know it.
func newKafka(s *session) *cobra.Command {
	c := &cobra.Command{
		Use:   "kafka",
		Short: "Another spelling of topics list, topics create, consume and worker",
		Long: `Another spelling of topics list, topics create, consume and worker. The commands are the same
ones and work on every broker.`,
		Example: `  leat kafka topics
  leat kafka create-topic orders --partitions 3
  leat kafka consume orders --group billing
  leat kafka worker --all`,
	}
	c.AddCommand(
		respelled(newTopicsList(s), "topics", "leat kafka topics"),
		respelled(newTopicsCreate(s), "create-topic NAME", "leat kafka create-topic orders --partitions 3"),
		respelled(newConsume(s), "consume TOPIC", "leat kafka consume orders --group billing"),
		respelled(newWorker(s), "worker NAME…", "leat kafka worker Mailer.Welcome"),
	)
	return c
}

func respelled(c *cobra.Command, use, example string) *cobra.Command {
	c.Use, c.Example = use, "  "+example
	return c
}
