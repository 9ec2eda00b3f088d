package cli

import (
	"github.com/spf13/cobra"
)

func newTopics(s *session) *cobra.Command {
	c := &cobra.Command{
		Use:   "topics",
		Short: "List, describe and create topics",
		Example: `  leat topics list
  leat topics describe orders
  leat topics create orders --partitions 3`,
	}
	c.AddCommand(newTopicsList(s), newTopicsDescribe(s), newTopicsCreate(s))
	return c
}
