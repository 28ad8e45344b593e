package placement

import "slices"

// tendLearners gives learners to the data centres that only read and to shards that
// are everywhere, and takes them where they have no place.
func (d *draft) tendLearners() (change, bool) {
	for _, s := range d.open() {
		find := d.tendReaders
		if s.Everywhere {
			find = d.tendFollowers
		}
		if c, ok := find(s); ok {
			return c, true
		}
	}
	return change{}, false
}

// tendFollowers makes every node that runs follow a shard that is everywhere.
func (d *draft) tendFollowers(s Shard) (change, bool) {
	for _, n := range d.nodes {
		follows := n.State == Joining || n.State == Active || n.State == Draining
		if follows && !n.Down && d.role(s.ID, n.Server()) == "" {
			return change{shard: s.ID, add: n.Server(), as: Learner, reason: n.ID + " follows"}, true
		}
	}
	for _, server := range d.with(s.ID, Learner) {
		if d.gone(server) {
			return change{shard: s.ID, remove: server, reason: server.Node + " is lost"}, true
		}
	}
	return change{}, false
}

func (d *draft) tendReaders(s Shard) (change, bool) {
	for _, server := range d.with(s.ID, Learner) {
		switch {
		case d.gone(server):
			return change{shard: s.ID, remove: server, reason: server.Node + " is lost"}, true
		case !d.onlyReads(d.centre(server)):
			return change{shard: s.ID, remove: server, reason: d.centre(server) + " has no learners"}, true
		}
	}
	for _, centre := range d.settings.ReadingCentres {
		if c, ok := d.tendCentre(s, centre); ok {
			return c, true
		}
	}
	return change{}, false
}

// tendCentre brings the learners of a shard in one data centre to their number. One
// that drains counts until another has its place.
func (d *draft) tendCentre(s Shard, centre string) (change, bool) {
	learners := d.with(s.ID, Learner)
	learners = slices.DeleteFunc(learners, func(server Server) bool { return d.centre(server) != centre })
	target, found := d.learnerTarget(s, centre)
	if i := slices.IndexFunc(learners, d.draining); i >= 0 && found {
		return change{shard: s.ID, add: target.Server(), as: Learner, remove: learners[i], reason: "draining " + learners[i].Node}, true
	}
	switch {
	case len(learners) < d.settings.LearnersPerCentre && found:
		return change{shard: s.ID, add: target.Server(), as: Learner, reason: centre + " only reads"}, true
	case len(learners) > d.settings.LearnersPerCentre:
		return change{shard: s.ID, remove: learners[len(learners)-1], reason: "too many learners"}, true
	}
	return change{}, false
}
