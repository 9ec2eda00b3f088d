package redis

import (
	"fmt"
	"testing"
)

func TestADeniedCommandOfAScriptIsNamedByEveryVersion(t *testing.T) {
	t.Parallel()
	hash := ackScript.Hash()
	for version, text := range map[string]string{
		"6.2": fmt.Sprintf("ERR Error running script (call to f_%s): @user_script:17: @user_script: 17: The user executing the script can't run this command or subcommand", hash),
		"7.0": fmt.Sprintf("ERR The user executing the script can't run this command or subcommand script: %s, on @user_script:17.", hash),
	} {
		if got := deniedCommand(text); got != "XACK" {
			t.Errorf("redis %s: named %q", version, got)
		}
	}
}
