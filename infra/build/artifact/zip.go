package artifact

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// entry is what Lambda starts on provided.al2023.
const entry = "bootstrap"

// epoch is the oldest time a zip can say. Every build says it, so that only the contents count.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func pack(program []byte) ([]byte, error) {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	header := &zip.FileHeader{Name: entry, Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o755)
	file, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// Unpack writes the program of a zip into dir, as Lambda does before it starts it, and returns its
// path.
func Unpack(path, dir string) (string, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return "", fmt.Errorf("open %s: %w; go tool mage build makes it", path, err)
	}
	defer func() { _ = archive.Close() }()
	packed, err := archive.Open(entry)
	if err != nil {
		return "", fmt.Errorf("%s has no %s: %w", path, entry, err)
	}
	program := filepath.Join(dir, entry)
	file, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(file, packed); err != nil {
		_ = file.Close()
		return "", err
	}
	return program, file.Close()
}
