package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"

	"towline/usage"
)

// A record of samples is the version of its form, a byte, and then the samples in order of time. Numbers are unsigned varints.
//
//	which      how many steps, hours or days, after the record's beginning
//	figures    a bit for each that it has
//	hours      what Sample.Hours says
//	apart      a bit for each figure that covers another number of hours
//	values     of each figure that it has, in order
//	covers     of each figure apart, in order
//
// A value is its kind in two bits, and the rest of the number: 0 is a whole number, 1 one of thousandths, and 2 is followed by the eight bytes of
// a float64. Figures that a newer Towline has added are passed over; whatever else would change the form gets another version.
const samplesForm = 1

const (
	wholeValue = iota
	thousandthsValue
	floatValue
)

// largest is up to where whole numbers are exact.
const largest = 1 << 53

var errSamples = errors.New("the samples are damaged")

// encodeSamples is nil where there are none.
func encodeSamples(all []usage.Sample, from time.Time, step time.Duration) []byte {
	if len(all) == 0 {
		return nil
	}
	out := append(make([]byte, 0, 2*sampleSize*len(all)), samplesForm)
	figures := usage.Figures()
	for _, s := range all {
		var has, apart uint64
		for _, f := range figures {
			if _, ok := s.Get(f); ok {
				has |= 1 << f
				if s.Covers(f) != s.Hours {
					apart |= 1 << f
				}
			}
		}
		for _, n := range []uint64{uint64(s.At.Sub(from) / step), has, uint64(s.Hours), apart} { //nolint:gosec // none is less than 0
			out = binary.AppendUvarint(out, n)
		}
		for _, f := range figures {
			if v, ok := s.Get(f); ok {
				out = appendValue(out, v)
			}
		}
		for _, f := range figures {
			if apart&(1<<f) != 0 {
				out = binary.AppendUvarint(out, uint64(s.Covers(f))) //nolint:gosec // not less than 0
			}
		}
	}
	return out
}

func appendValue(out []byte, v float64) []byte {
	for kind, unit := range []float64{wholeValue: 1, thousandthsValue: 1000} {
		if n := math.Round(v * unit); n >= 0 && n < largest && n/unit == v {
			return binary.AppendUvarint(out, uint64(n)<<2|uint64(kind)) //nolint:gosec // bounded
		}
	}
	return binary.BigEndian.AppendUint64(binary.AppendUvarint(out, floatValue), math.Float64bits(v))
}

// decodeSamples reads a record that begins at a moment. Everything that a damaged one may say is an error.
func decodeSamples(raw []byte, from time.Time, step time.Duration) ([]usage.Sample, error) {
	if len(raw) == 0 {
		return nil, errSamples
	}
	if raw[0] > samplesForm {
		return nil, fmt.Errorf("was written by a newer Towline (samples of form %d, this one knows %d): use that version, or restore a backup", raw[0], samplesForm)
	}
	r := &sampleReader{rest: raw[1:]}
	out := make([]usage.Sample, 0, len(raw)/sampleSize+1)
	for len(r.rest) > 0 && !r.bad {
		s := usage.Sample{At: from.Add(time.Duration(r.below(32)) * step)} //nolint:gosec // bounded
		r.sample(&s)
		if n := len(out); n > 0 && !s.At.After(out[n-1].At) {
			r.bad = true
		}
		out = append(out, s)
	}
	if r.bad {
		return nil, errSamples
	}
	return out, nil
}

// sampleSize is what a sample takes at least, as a rule.
const sampleSize = 24

// sample reads one, but for when it is: first the figures that cover as much as it says itself.
func (r *sampleReader) sample(s *usage.Sample) {
	has := r.number()
	s.Hours = int(r.below(25)) //nolint:gosec // bounded
	apart := r.number()
	if apart&^has != 0 {
		r.bad = true
		return
	}
	var values [64]float64
	for left := has; left != 0; left &= left - 1 {
		f := bits.TrailingZeros64(left)
		v := r.value()
		if apart&(1<<f) != 0 {
			values[f] = v
		} else {
			s.Set(usage.Figure(f), v) //nolint:gosec // below 64
		}
	}
	for left := apart; left != 0; left &= left - 1 {
		f := bits.TrailingZeros64(left)
		s.Cover(usage.Figure(f), values[f], int(r.below(25))) //nolint:gosec // below 64, and bounded
	}
}

// sampleReader takes a record apart.
type sampleReader struct {
	rest []byte
	bad  bool
}

func (r *sampleReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || r.bad {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *sampleReader) below(limit uint64) uint64 {
	n := r.number()
	if n >= limit {
		r.bad = true
		return 0
	}
	return n
}

func (r *sampleReader) value() float64 {
	n := r.number()
	switch n & 3 {
	case wholeValue:
		return float64(n >> 2)
	case thousandthsValue:
		return float64(n>>2) / 1000
	}
	if n != floatValue || len(r.rest) < 8 {
		r.bad, r.rest = true, nil
		return 0
	}
	v := math.Float64frombits(binary.BigEndian.Uint64(r.rest))
	r.rest = r.rest[8:]
	return v
}
