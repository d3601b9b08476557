package httpapi

import (
	"bytes"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

const compressAbove = 1 << 10 // bytes; below, the gain is smaller than the header

// gzipWriters are pooled: one holds some hundred kilobytes of tables. Level 1 makes a board of
// 100 000 numbers a tenth of its size in about 10 ms.
var gzipWriters = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant of the library
	}
	return w
}}

// compressible says whether gzip is worth while for a media type.
func compressible(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	switch {
	case strings.HasPrefix(media, "text/"), strings.HasSuffix(media, "json"), strings.HasSuffix(media, "yaml"):
		return true
	}
	switch media {
	case "application/javascript", "image/svg+xml", "application/octet-stream":
		return true
	}
	return false
}

// compress writes src to dst in gzip.
func compress(dst *bytes.Buffer, src io.WriterTo) error {
	w, _ := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset(dst)
	if _, err := src.WriteTo(w); err != nil {
		return err
	}
	return w.Close()
}
