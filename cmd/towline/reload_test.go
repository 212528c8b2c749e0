package main

import (
	"strings"
	"testing"
)

func TestReloadReadsTheConfigAgainAllOrNothingAndWritesItDown(t *testing.T) {
	o := newOutside(t, true)
	lead := []string{"name: Robin, role: approver", "name: Lead, role: admin"}
	o.config(goodConfig, lead...)
	s := o.serve()
	o.answers(demoApprover, "/whoami", "role: admin")

	o.config(goodConfig, append(lead, "name: Dana, role: deployer", "name: Dana, role: approver")...)
	o.answers(demoApprover, "/reload", "read again by Robin", "Dana", "approver")
	o.answers(demoDeployer, "/whoami", "role: approver")
	o.answers(demoApprover, "/reload", "nothing in it is different")
	o.answers(demoDeployer, "/reload", "not_allowed")

	// What is wrong is told with its place, and without any secret.
	o.config(goodConfig, append(lead, "role: deployer", "role: emperor", `"${API}"`, `"`+apiToken+` and more"`)...)
	o.answers(demoApprover, "/reload", "config_refused", "config.yaml:5:34", `found "emperor"`, "the old one stays")
	o.answers(demoDeployer, "/whoami", "role: approver")

	// What is read at start only is said.
	o.config(goodConfig+"stop_timeout: 20s\n", append(lead, "name: Dana, role: deployer", "name: Dana, role: approver", "path: towline.db", "path: other.db")...)
	o.answers(demoApprover, "/reload", "a restart is needed: store and stop_timeout")
	o.answers(demoApprover, "/audit _team", "Robin took over the config", "Dana", "stop_timeout", "Towline took over the config")
	for _, m := range o.tg.Messages(teamChat) {
		if strings.Contains(m.Text, apiToken) || strings.Contains(m.Text, botToken) {
			t.Errorf("a secret is in the chat: %s", m.Text)
		}
	}
	s.stop()
	s.end(exitFine)

	// What changed while it was down is written down by the next start.
	o.config(goodConfig, lead...)
	s = o.serve()
	o.answers(demoApprover, "/audit team", "changed while the bot was down")
	s.stop()
	s.end(exitFine)
}

func TestTheConfigsUsernamesFindSomebodyAndItsZoneCountsTheDays(t *testing.T) {
	o := newOutside(t, true)
	o.config(goodConfig+"usage: {timezone: Pacific/Auckland}\n", "name: Dana, role: deployer", "name: Dana, username: Dana_D, role: deployer")
	s := o.serve()
	o.answers(demoApprover, "/delegate @dana_d until tomorrow", "Dana has the role approver", ":59 UTC, lent by Robin")
	o.answers(demoDeployer, "/whoami", "role: approver")
	o.answers(demoApprover, "/people", "Dana · approver until", "lent by Robin · here", "Kim · not in this chat")
	o.answers(demoApprover, "/delegate dana off", "taken back")
	o.answers(demoDeployer, "/whoami", "role: deployer")
	o.answers(demoApprover, "/report", "Report so far", "Nothing was released", "_team ")
	s.stop()
	s.end(exitFine)
}
