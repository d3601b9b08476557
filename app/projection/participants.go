package projection

// ParticipantJoined adds a new participant, of an account or not; nothing for NULL.
func ParticipantJoined(participantID, userID string) string {
	return "participant_joined(" + participantID + ", " + userID + ")"
}
