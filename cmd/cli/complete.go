package cli

import (
	"github.com/spf13/cobra"

	"github.com/leat-go/leat/router"
)

// completeHandlers offers what of returns for the handlers of the service. It connects to nothing.
func (s *session) completeHandlers(of func(router.HandlerInfo) string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		infos, err := s.service().Handlers()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, h := range infos {
			names = append(names, of(h))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeTopics offers the topics that the service declares. It connects to nothing.
func (s *session) completeTopics(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	specs, err := s.service().Topics()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, t := range specs {
		names = append(names, t.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
