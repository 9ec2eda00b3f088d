package settings_test

import (
	"fmt"
	"reflect"
	"time"

	"github.com/leat-go/leat/settings"
)

func ExampleLoad() {
	type Mail struct {
		Host     string          `koanf:"host" default:"localhost:25" validate:"hostport" doc:"Where mail is handed in."`
		Password settings.Secret `koanf:"password" doc:"Password of the mail server."`
		Timeout  time.Duration   `koanf:"timeout" default:"5s" validate:"min=1ms" doc:"How long a delivery may take."`
	}
	loaded, err := settings.Load(settings.Options{
		Environ:  []string{"KAFKA_ENABLED=true", "KAFKA_LINGER_MS=5", "MAIL_PASSWORD=hunter2"},
		Sections: []settings.Section{{Name: "mail", Type: reflect.TypeFor[Mail]()}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mail, _ := loaded.Section("mail")
	fmt.Println(loaded.Settings.Broker(), loaded.Settings.Kafka.Linger)
	fmt.Printf("%+v\n", mail)
	// Output:
	// kafka 5ms
	// {Host:localhost:25 Password:****** Timeout:5s}
}

func ExampleFaults() {
	_, err := settings.Load(settings.Options{
		Environ: []string{"KAFKA_ENABLED=true", "KAFKA_SECURITY_PROTOCOL=SASL_SSL", "KAFKA_SASL_MECHANISM=PLAIN", "KAFKA_SASL_USERNAME=me"},
		Set:     []string{"kafka.lingr=5ms"},
	})
	fmt.Println(err)
	// Output:
	// kafka.lingr is no setting (did you mean kafka.linger?) [--set]
	// kafka.sasl_password is required with PLAIN (set KAFKA_SASL_PASSWORD) [default]
}
