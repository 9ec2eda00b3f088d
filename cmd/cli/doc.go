// Package cli gives a service its command line.
//
//	func main() { cli.Main(service) }
//
// Without arguments the whole service runs. The commands worker, consume and describe choose
// among its handlers; topics, produce and tail work on the broker that the settings name, with
// what the service declares about each topic; config shows the settings and where they come
// from. Data goes to stdout and talk to stderr, so that a command fits into a pipe; --output
// json is for programs. The exit code says how a command ended, see [Main].
package cli
