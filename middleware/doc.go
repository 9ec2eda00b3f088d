// Package middleware has handler decorators for leat and for any Watermill router. Each is
// a message.HandlerMiddleware: give it to router.Use, app.Use, or a message.Router.
package middleware
