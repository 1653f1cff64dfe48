package verifytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// unpacked bounds what an opened segment of a test unpacks to.
const unpacked = 1 << 30

// Openings are the paths of a bundle's opened segments, ascending.
func Openings(bundle string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(bundle, verify.OpeningsDir, "segment-*"))
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("%s: no opened segment", bundle)
	}
	return paths, err
}

// Unpack is the content of an opened segment.
func Unpack(path string) ([]byte, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	in, err := safetensors.Decompress(bytes.NewReader(file), path, unpacked)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// Pack is the file of an opened segment with such content.
func Pack(plain []byte) ([]byte, error) {
	var packed bytes.Buffer
	out, err := safetensors.Compress(&packed)
	if err != nil {
		return nil, err
	}
	if _, err := out.Write(plain); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// Reopen alters the content of the i-th opened segment as a dishonest worker would, who signs what he sends.
func (p *Pool) Reopen(bundle string, i int, alter func(plain []byte) []byte) error {
	paths, err := Openings(bundle)
	if err != nil {
		return err
	}
	plain, err := Unpack(paths[i])
	if err != nil {
		return err
	}
	packed, err := Pack(alter(plain))
	if err != nil {
		return err
	}
	return p.Replace(bundle, i, packed)
}

// Replace puts another file in the place of the i-th opened segment and signs for it.
func (p *Pool) Replace(bundle string, i int, file []byte) error {
	paths, err := Openings(bundle)
	if err != nil {
		return err
	}
	if err := os.WriteFile(paths[i], file, 0o644); err != nil {
		return err
	}
	return p.Resign(bundle, func(o *verify.Opening) {
		o.Segments[i].Size, o.Segments[i].Digest = int64(len(file)), sha256.Sum256(file)
	})
}

// Reslice puts another file of slices in the place of a bundle's and signs for it.
func (p *Pool) Reslice(bundle string, file []byte) error {
	if err := os.WriteFile(filepath.Join(bundle, verify.SlicesFile), file, 0o644); err != nil {
		return err
	}
	return p.Resign(bundle, func(o *verify.Opening) {
		o.Slices.Size, o.Slices.Digest = int64(len(file)), sha256.Sum256(file)
	})
}

// Resign alters the opening and signs it again with the worker's key. The operator receives it as the one before.
func (p *Pool) Resign(bundle string, alter func(*verify.Opening)) error {
	o, err := p.Opening(bundle)
	if err != nil {
		return err
	}
	alter(&o)
	signed, err := document.Sign("opening", o, p.Worker)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(bundle, verify.OpeningFile), signed, 0o644); err != nil {
		return err
	}
	digest, err := document.Digest("opening", o)
	if err != nil {
		return err
	}
	return p.Reopened(bundle, func(opened *verify.Opened) { opened.Opening = digest })
}

// Reopened alters the receipt of an opening and signs it again with the operator's key.
func (p *Pool) Reopened(bundle string, alter func(*verify.Opened)) error {
	path := filepath.Join(bundle, verify.OpenedFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	opened, err := document.Peek[verify.Opened](path, data, "opened")
	if err != nil {
		return err
	}
	alter(&opened)
	signed, err := document.Sign("opened", opened, p.Operator)
	if err != nil {
		return err
	}
	return os.WriteFile(path, signed, 0o644)
}

// Opening is the signed list of a bundle's opened segments.
func (p *Pool) Opening(bundle string) (verify.Opening, error) {
	path := filepath.Join(bundle, verify.OpeningFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return verify.Opening{}, err
	}
	return document.Peek[verify.Opening](path, data, "opening")
}

// Opened is the path of an opened segment in a bundle.
func Opened(segment uint64) string {
	return fmt.Sprintf("%s/segment-%08d.safetensors.zst", verify.OpeningsDir, segment)
}

// Offsets is where each tensor begins in the content of an opened segment, by name.
func Offsets(plain []byte) (map[string]int, error) {
	r, err := safetensors.NewReader(bytes.NewReader(plain), "segment", unpacked)
	if err != nil {
		return nil, err
	}
	at, offset := map[string]int{}, 8+int(binary.LittleEndian.Uint64(plain))
	for _, info := range r.Tensors() {
		at[info.Name] = offset
		n, err := info.Elements()
		if err != nil {
			return nil, err
		}
		offset += n * int(info.DType.Size())
	}
	return at, nil
}
