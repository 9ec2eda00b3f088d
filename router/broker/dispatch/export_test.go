package dispatch

// Enough is how many items may wait for a worker when no more are asked for.
const Enough = enough
