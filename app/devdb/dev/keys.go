package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rifaapp/rifaapp/app/auth"
)

var keysPath = filepath.Join(home, "jwt_keys.json")

// keepKeys returns the keys of access tokens that are kept in a file only its owner may read, so that
// a client that has logged in stays so when the API starts again. It makes them the first time, and
// anew when what is there is no key set.
func keepKeys(path string) (string, error) {
	kept, err := os.ReadFile(path)
	if err == nil {
		if _, err := auth.ParseKeySet(kept); err == nil {
			return string(kept), nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the keys of access tokens: %w", err)
	}
	keys, err := auth.GenerateKeySet().PrivateJSON()
	if err != nil {
		return "", err
	}
	if err := replaceFile(path, keys); err != nil {
		return "", fmt.Errorf("keep the keys of access tokens: %w", err)
	}
	return string(keys), nil
}

// replaceFile writes a file whole or not at all, readable by its owner only.
func replaceFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}
