package avro_test

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

type OrderPlaced struct {
	ID    string `json:"id"`
	Lines int32  `avro:"lines,default=1"`
}

func Example() {
	orders, err := avro.New(avro.Config{}) // with URLs: a schema registry
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	subject := codec.Subject{Topic: "orders", Type: reflect.TypeFor[OrderPlaced]()}
	data, _, err := orders.Encode(ctx, nil, subject, OrderPlaced{ID: "o1", Lines: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	var placed OrderPlaced
	err = orders.Decode(ctx, data, nil, &placed)
	fmt.Println(len(data), placed, err)
	// Output: 14 {o1 3} <nil>
}

func ExampleSchemaOf() {
	text, err := avro.SchemaOf[OrderPlaced]("com.shop")
	fmt.Println(text, err)
	// Output: {"type":"record","name":"OrderPlaced","namespace":"com.shop","fields":[{"name":"id","type":"string"},{"name":"lines","type":"int","default":1}]} <nil>
}

// Usually the text comes from an embedded .avsc file.
const paymentSchema = `{"type":"record","name":"Payment","namespace":"com.bank","fields":[
	{"name":"iban","type":"string"},
	{"name":"booked","type":{"type":"long","logicalType":"timestamp-micros"},"doc":"When it was booked."}]}`

type Payment struct {
	IBAN   string    `avro:"iban"`
	Booked time.Time `avro:"booked"`
}

func ExampleConfig_schemas() {
	given := map[reflect.Type]string{reflect.TypeFor[Payment](): paymentSchema}
	payments, err := avro.New(avro.Config{Schemas: given})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	subject := codec.Subject{Topic: "payments", Type: reflect.TypeFor[Payment]()}
	data, _, err := payments.Encode(ctx, nil, subject, Payment{"CH93", time.UnixMicro(1_700_000_000_123_456)})
	if err != nil {
		fmt.Println(err)
		return
	}
	var paid Payment
	err = payments.Decode(ctx, data, nil, &paid)
	fmt.Println(paid.IBAN, paid.Booked.UTC().Format(time.RFC3339Nano), err)
	// Output: CH93 2023-11-14T22:13:20.123456Z <nil>
}
