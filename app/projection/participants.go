package projection

// ParticipantReserved, as an item of a FROM list, adds a participant unless it is there.
func ParticipantReserved(participantID string) string {
	return "participant_reserved(" + participantID + ")"
}
