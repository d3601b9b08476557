package draw

import (
	"encoding/json"
	"fmt"
	"time"
)

// voidSeal is a seal that the record calls void.
type voidSeal struct {
	Seal     string    `json:"seal"`
	Round    uint64    `json:"round"`
	SealedAt time.Time `json:"sealed_at"`
	VoidAt   time.Time `json:"void_at"`
}

// voided says what became of the seal that the buyer saw, where the record calls it void. That it was void
// rightly, no proof shows, only when somebody saw it first: so it stays a seal that does not match.
func (v *verification) voided() string {
	var seals []voidSeal
	if json.Unmarshal(v.Proof.VoidSeals, &seals) != nil {
		return ""
	}
	for _, s := range seals {
		if s.Seal == v.Witness.String() {
			return v.explainVoid(s)
		}
	}
	return ""
}

func (v *verification) explainVoid(void voidSeal) string {
	const explained = "\nThe record says that yours was made void at %s and that this one took its place. "
	text, limit := fmt.Sprintf(explained, formatTime(&void.VoidAt)), RoundTime(void.Round).Add(-CommitMargin)
	seal := v.Proof.seal()
	seal.SealedAt, seal.Ref = void.SealedAt, beaconRef(void.Round)
	if v.Proof.Method != MethodBeacon || seal.compute() != *v.Witness {
		return text + "But yours was of another list, other rules or another time than the record says: keep these files, they prove this."
	}
	if void.VoidAt.Before(limit) {
		return text + fmt.Sprintf("But until %s, 30 seconds before its round %d, yours was in time, and nothing could replace it: keep these files.", formatTime(&limit), void.Round)
	}
	return text + fmt.Sprintf("Both are of the same rules and list. A seal is void when it was not stored by 30 seconds before its round, for yours %s. "+
		"If you saw yours before that, it should have decided: keep these files and ask why. If you saw it later, it was void rightly.", formatTime(&limit))
}
