package access

// Mode is how a caller was authenticated, in the words that error messages use.
type Mode string

// The access modes (demographics contract 1.4).
const (
	HealthcareWorker      Mode = "user-restricted"
	Application           Mode = "application-restricted"
	PrivilegedApplication Mode = "privileged-application-restricted"
	Patient               Mode = "patient-access"
)

// Caller is who makes a request, as the token says.
type Caller struct {
	Mode Mode `json:"mode"`
	// Application is the id of the calling application; request ids are scoped to it.
	Application string `json:"application,omitempty"`
	// Patient is the caller's own NHS number in patient access.
	Patient string `json:"patient,omitempty"`
	// IdentityProofing is the vector of trust in patient access, such as P9.Cp.Cd.
	IdentityProofing string `json:"identityProofing,omitempty"`
	// User is the user's id, and RoleIDs the ids of the roles that the user holds.
	User    string   `json:"user,omitempty"`
	RoleIDs []string `json:"roleIds,omitempty"`
	// Roles are role codes, such as R8000.
	Roles []string `json:"roles,omitempty"`
	// Organisation is the ODS code of the caller's organisation.
	Organisation string   `json:"organisation,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
	// Privileged sources may record a formal death and other restricted data.
	Privileged bool `json:"privileged,omitempty"`
}
