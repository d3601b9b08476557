package projection

// ParticipantReserved is the item of a FROM list that adds a participant unless it is there.
func ParticipantReserved(participantID string) string {
	return "participant_reserved(" + participantID + ")"
}
