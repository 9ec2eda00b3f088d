package settings

import (
	"fmt"
	"slices"
	"strings"
)

// sectionNotes say in the reference what the keys of a section have in common.
var sectionNotes = map[string]string{
	"kafka":   "The schema registry serves every broker and needs no `kafka.enabled`.",
	"workers": "One section per handler, consumer or worker, by its name: `workers.mailer-welcome.max_retries`, `WORKERS__MAILER_WELCOME__MAX_RETRIES`. What is not set stays as the code says it; what is set wins over the code.",
	"topics":  "One section per topic, by its name in code: `topics.user-events.partitions`, `TOPICS__USER_EVENTS__PARTITIONS`. What is not set stays as the code says it; what is set wins over the code.",
	"retry":   "The defaults for every handler.",
	"messaging": "`messaging.dead_letter_topic` is empty by default, so every topic has a dead letter topic of its own, `<topic>.dlq`. " +
		"Set it to collect the dead letters of all topics in one.",
}

// Reference is the reference page of settings, in Markdown.
func Reference(settings []Setting) string {
	var b strings.Builder
	for _, section := range sectionsOf(settings) {
		b.WriteString("\n## " + section.name + "\n\n")
		if note := sectionNotes[section.name]; note != "" {
			b.WriteString(note + "\n\n")
		}
		b.WriteString("| key | environment | type | default | |\n|---|---|---|---|---|\n")
		for _, s := range section.settings {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", s.Key, s.Env, referenceType(s), referenceDefault(s), escapeCell(s.Doc))
		}
	}
	return b.String()
}

func referenceType(s Setting) string {
	if len(s.Enum) == 0 {
		return s.Type
	}
	return "`" + strings.Join(s.Enum, "` `") + "`"
}

func referenceDefault(s Setting) string {
	text := ""
	if s.Default != "" {
		text = "`" + s.Default + "`"
	}
	if s.Production != "" {
		text += ", in production `" + s.Production + "`"
	}
	return text
}

func escapeCell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
}

// EnvExample is a .env file that holds every setting as a comment with its default.
func EnvExample(settings []Setting) string {
	var b strings.Builder
	for _, section := range sectionsOf(settings) {
		b.WriteString("\n# " + section.name + "\n")
		for _, s := range section.settings {
			fmt.Fprintf(&b, "\n# %s%s\n# %s=%s\n", s.Doc, envChoices(s), s.Env, s.Default)
		}
	}
	return b.String()
}

func envChoices(s Setting) string {
	if len(s.Enum) == 0 {
		return ""
	}
	return " One of " + strings.Join(s.Enum, ", ") + "."
}

type documented struct {
	name     string
	settings []Setting
}

// sectionsOf keeps the order of the settings.
func sectionsOf(settings []Setting) []documented {
	var found []documented
	for _, s := range settings {
		name, _, _ := strings.Cut(s.Key, ".")
		i := slices.IndexFunc(found, func(d documented) bool { return d.name == name })
		if i < 0 {
			i = len(found)
			found = append(found, documented{name: name})
		}
		found[i].settings = append(found[i].settings, s)
	}
	return found
}
