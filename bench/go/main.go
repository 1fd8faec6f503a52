// The same service in Go's net/http: main ADDRESS
package main

import (
	"fmt"
	"log"
	"math/big"
	"net/http"
	"os"
	"strconv"
)

func fibonacci(n int) *big.Int {
	a, b := big.NewInt(0), big.NewInt(1)
	for range n {
		a.Add(a, b)
		a, b = b, a
	}
	return a
}

func answer(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || n < 0 || n > 186 {
		http.Error(w, "n has to be 0 to 186", http.StatusBadRequest)
		return
	}
	value := fibonacci(n).String()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "accept")
	h.Set("Accept-Ranges", "none")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Fib-Pod", "bench")
	h.Set("Etag", fmt.Sprintf("\"%d-json\"", n))
	fmt.Fprintf(w, `{"n":%d,"value":"%s","digits":%d}`, n, value, len(value))
}

func main() {
	http.HandleFunc("GET /get", answer)
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
