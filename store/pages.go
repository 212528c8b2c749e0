package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// A file of bbolt is read by mapping it into memory and following what it says. One that says nonsense ends the process,
// in a goroutine of bbolt's own, where nothing can stop it. So a copy that may be damaged is first read as plain bytes, here,
// as far as it takes to know that bbolt will stay within it: every page in bounds, there once, and of the kind that it
// should be. What is left to bbolt's own check is whether the free pages are all there.
//
// The form is that of go.etcd.io/bbolt 1.x, internal/common: page.go, meta.go, inode.go, bucket.go.
const (
	pageHeader  = 16 // id 8, flags 2, count 2, overflow 4
	pageElement = 16 // leaf: flags 4, pos 4, key 4, value 4; branch: pos 4, key 4, page 8
	metaSize    = 64
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	noFreelist  = ^uint64(0)
	deepest     = 64 // levels; a tree of that many has more pages than there are

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketLeaf   = 0x01
)

// pageFile is a file of records as bytes.
type pageFile struct {
	r    io.ReaderAt
	size int64
	page int64           // bytes of a page
	high uint64          // the first page that is not used
	seen map[uint64]bool // pages that belong to something
}

// checkPages finds out whether bbolt can read a file. It keeps some bytes in memory for every page.
func checkPages(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p := &pageFile{r: f, size: info.Size(), seen: map[uint64]bool{}}
	root, freelist, err := p.meta()
	if err != nil {
		return err
	}
	if err := p.freelist(freelist); err != nil {
		return err
	}
	return p.tree(root, 0)
}

// meta reads the first two pages, of which the newer counts. A copy has them both.
func (p *pageFile) meta() (root, freelist uint64, err error) {
	newest, end := uint64(0), binary.NativeEndian
	for i := range int64(2) {
		m := make([]byte, metaSize)
		if _, err := p.r.ReadAt(m, i*p.page+pageHeader); err != nil {
			return 0, 0, fmt.Errorf("meta page %d: %w", i, err)
		}
		sum := fnv.New64a()
		_, _ = sum.Write(m[:56])
		size := int64(end.Uint32(m[8:]))
		if end.Uint32(m) != metaMagic || end.Uint32(m[4:]) != metaVersion || end.Uint64(m[56:]) != sum.Sum64() || size < 512 || size > 1<<16 || size&(size-1) != 0 || i > 0 && size != p.page {
			return 0, 0, fmt.Errorf("meta page %d is not one of bbolt", i)
		}
		p.page = size
		if tx := end.Uint64(m[48:]); i == 0 || tx > newest {
			newest, root, freelist, p.high = tx, end.Uint64(m[16:]), end.Uint64(m[32:]), end.Uint64(m[40:])
		}
	}
	if p.high > uint64(p.size)/uint64(p.page) {
		return 0, 0, fmt.Errorf("it says that it has %d pages of %d bytes, and has %d bytes", p.high, p.page, p.size)
	}
	p.seen[0], p.seen[1] = true, true
	return root, freelist, nil
}

// load reads a page with what follows of it, and makes sure that nothing else has it.
func (p *pageFile) load(id uint64) (content []byte, flags uint16, count int, err error) {
	header := make([]byte, pageHeader)
	if id >= p.high {
		return nil, 0, 0, fmt.Errorf("page %d of %d", id, p.high)
	}
	if _, err := p.r.ReadAt(header, int64(id)*p.page); err != nil {
		return nil, 0, 0, fmt.Errorf("page %d: %w", id, err)
	}
	end := binary.NativeEndian
	more := uint64(end.Uint32(header[12:]))
	if end.Uint64(header) != id || id+more >= p.high {
		return nil, 0, 0, fmt.Errorf("page %d says that it is page %d, with %d more", id, end.Uint64(header), more)
	}
	for n := id; n <= id+more; n++ {
		if p.seen[n] {
			return nil, 0, 0, fmt.Errorf("page %d belongs to two", n)
		}
		p.seen[n] = true
	}
	content = make([]byte, int64(1+more)*p.page)
	if _, err := p.r.ReadAt(content, int64(id)*p.page); err != nil {
		return nil, 0, 0, fmt.Errorf("page %d: %w", id, err)
	}
	return content, end.Uint16(header[8:]), int(end.Uint16(header[10:])), nil
}

// freelist makes sure that the list of free pages is within its page.
func (p *pageFile) freelist(id uint64) error {
	if id == noFreelist {
		return nil
	}
	content, flags, n, err := p.load(id)
	if err != nil {
		return fmt.Errorf("free pages: %w", err)
	}
	count, entries := uint64(n), uint64(len(content)-pageHeader)/8
	if count == 0xffff { // then the number stands in the first entry
		if entries == 0 {
			return errors.New("free pages: no number of them")
		}
		count = binary.NativeEndian.Uint64(content[pageHeader:])
		entries--
	}
	if flags != freelistPage || count > entries {
		return fmt.Errorf("free pages: %d of them in a page for %d", count, entries)
	}
	return nil
}

// tree goes through a page and everything below it.
func (p *pageFile) tree(id uint64, depth int) error {
	content, flags, count, err := p.load(id)
	if err != nil {
		return err
	}
	if depth > deepest {
		return fmt.Errorf("page %d: deeper than %d levels", id, deepest)
	}
	switch flags {
	case leafPage:
		err = p.leaf(content, count, depth)
	case branchPage:
		err = p.branch(content, count, depth)
	default:
		err = fmt.Errorf("flags %#x", flags)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

// within cuts a key or a value out of a page.
func within(content []byte, from, size int64) ([]byte, error) {
	if from < 0 || size < 0 || from > int64(len(content)) || size > int64(len(content))-from {
		return nil, fmt.Errorf("%d bytes from %d on in %d", size, from, len(content))
	}
	return content[from : from+size], nil
}

func (p *pageFile) branch(content []byte, count, depth int) error {
	var before []byte
	if count == 0 {
		return errors.New("a branch without leaves")
	}
	for i := range count {
		at := int64(pageHeader + i*pageElement)
		e, err := within(content, at, pageElement)
		if err != nil {
			return err
		}
		key, err := within(content, at+int64(binary.NativeEndian.Uint32(e)), int64(binary.NativeEndian.Uint32(e[4:])))
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(before, key) >= 0 {
			return fmt.Errorf("key %d is out of order", i)
		}
		before = key
		if err := p.tree(binary.NativeEndian.Uint64(e[8:]), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *pageFile) leaf(content []byte, count, depth int) error {
	var before []byte
	end := binary.NativeEndian
	for i := range count {
		at := int64(pageHeader + i*pageElement)
		e, err := within(content, at, pageElement)
		if err != nil {
			return err
		}
		start, size := at+int64(end.Uint32(e[4:])), int64(end.Uint32(e[8:]))
		key, err := within(content, start, size)
		if err != nil {
			return err
		}
		value, err := within(content, start+size, int64(end.Uint32(e[12:])))
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(before, key) >= 0 {
			return fmt.Errorf("key %d is out of order", i)
		}
		before = key
		if end.Uint32(e)&bucketLeaf == 0 {
			continue
		}
		if err := p.bucket(value, depth+1); err != nil {
			return fmt.Errorf("bucket %.40q: %w", key, err)
		}
	}
	return nil
}

// bucket goes through a bucket: its root page, or the page that lies within its value.
func (p *pageFile) bucket(value []byte, depth int) error {
	if len(value) < 16 || depth > deepest {
		return fmt.Errorf("%d bytes, %d levels down", len(value), depth)
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return p.tree(root, depth)
	}
	inline := value[16:]
	if len(inline) < pageHeader || binary.NativeEndian.Uint16(inline[8:]) != leafPage {
		return errors.New("no page within it")
	}
	return p.leaf(inline, int(binary.NativeEndian.Uint16(inline[10:])), depth)
}
