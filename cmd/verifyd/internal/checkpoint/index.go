package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
)

// The limits of an index.
const (
	maxIndex   = 16 << 20 // bytes
	maxShards  = 1024
	maxTensors = 1 << 16 // of a checkpoint
)

// IndexSuffix ends the name of the file that says which shard has which tensor.
const IndexSuffix = ".safetensors.index.json"

// parseIndex reads which file has which tensor. Each file is a plain name, so that it lies beside the index.
func parseIndex(file string, data []byte) (map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	shards, files := make(map[string]string), make(map[string]bool)
	given := false
	err := object(d, func(key string) error {
		if key != "weight_map" {
			var skipped json.RawMessage
			return form(d.Decode(&skipped))
		}
		if given {
			return fault.New(fault.BadForm, "", "", "given twice")
		}
		given = true
		return object(d, func(name string) error {
			var shard string
			if err := d.Decode(&shard); err != nil {
				return form(err)
			}
			if shards[name] != "" {
				return fault.New(fault.BadForm, "", "", "given twice")
			}
			if err := checkShard(shard); err != nil {
				return err
			}
			shards[name], files[shard] = shard, true
			if len(shards) > maxTensors || len(files) > maxShards {
				return fault.New(fault.TooLarge, "", "", "more than %d tensors or %d files", maxTensors, maxShards)
			}
			return nil
		})
	})
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fault.New(fault.BadForm, "", "", "something follows the JSON object")
		}
	}
	if err == nil && len(shards) == 0 {
		err = fault.New(fault.BadForm, "", "weight_map", "missing, or empty")
	}
	return shards, fault.In(file, err)
}

// checkShard refuses what is no plain name of a safetensors file.
func checkShard(name string) error {
	if len(name) > 255 || !strings.HasSuffix(name, ".safetensors") || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\\:\x00") {
		return fault.New(fault.BadForm, "", "", "%.80q: want the plain name of a .safetensors file in the folder of the index", name)
	}
	return nil
}

// object reads a JSON object, field by field: encoding/json would keep the last of two equal keys.
func object(d *json.Decoder, field func(key string) error) error {
	if err := delim(d, '{'); err != nil {
		return err
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return form(err)
		}
		key, ok := token.(string)
		if !ok {
			return fault.New(fault.BadForm, "", "", "JSON: %v where a key is needed", token)
		}
		if err := field(key); err != nil {
			return fault.Under(fmt.Sprintf("%.80q", key), err)
		}
	}
	return delim(d, '}')
}

func delim(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if err != nil {
		return form(err)
	}
	if token != want {
		return fault.New(fault.BadForm, "", "", "JSON: %v where %v is needed", token, want)
	}
	return nil
}

// form is an error of JSON.
func form(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.BadForm, "", "", "JSON: %w", err)
}
