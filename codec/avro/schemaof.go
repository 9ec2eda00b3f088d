package avro

import "reflect"

// SchemaOf returns the schema of T, a struct or a pointer to one, as JSON text: the same
// text for the same type in every run. The namespace is that of T's method AvroNamespace()
// string, else the argument, else [DefaultNamespace]. The error names the field that has
// no counterpart in Avro.
func SchemaOf[T any](namespace ...string) (string, error) {
	ns := DefaultNamespace
	if len(namespace) > 0 && namespace[0] != "" {
		ns = namespace[0]
	}
	return SchemaOfType(reflect.TypeFor[T](), ns)
}

// SchemaOfType is [SchemaOf] for a type that is known at run time only.
func SchemaOfType(t reflect.Type, namespace string) (string, error) {
	s, err := schemaFor(pointed(t), orElse(namespace, DefaultNamespace))
	if err != nil {
		return "", err
	}
	return s.text, nil
}
