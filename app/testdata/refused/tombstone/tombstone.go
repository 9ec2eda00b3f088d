// Package tombstone deletes a key of a topic that is no state.
package tombstone

import (
	"testing"

	"github.com/leat-go/leat/app/apptest"
	"github.com/leat-go/leat/topics"
)

var orders = topics.Event[int]{Name: "orders"}

func remove(t *testing.T, a *apptest.App) { apptest.Delete(t, a, orders, "1") }

var _ = remove
