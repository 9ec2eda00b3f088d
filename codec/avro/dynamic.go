package avro

const maxTexts = 1024

// dynamic compiles a schema given as text, once.
func (c *Codec) dynamic(text string) (*schema, error) {
	if kept, ok := c.texts.get(text); ok {
		return kept.schema, kept.err
	}
	s, err := safely(func() (*schema, error) { return compile(text) })
	if err == nil {
		c.writers.loaded.put(fingerprintKey(s.fingerprint), &writer{schema: s})
	}
	kept := c.texts.put(text, &writer{schema: s, err: err})
	return kept.schema, kept.err
}
