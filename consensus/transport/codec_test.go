package transport

import (
	"bufio"
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func testSender() sender { return sender{[]byte("a@1"), []byte("host:1")} }

func testHeader() raft.RPCHeader { return testSender().header(3) }

func testEntries() []*raft.Log {
	return []*raft.Log{
		{Index: 8, Term: 2, Type: raft.LogCommand, Data: []byte("one"), AppendedAt: time.Unix(1700000000, 12345)},
		{Index: 9, Term: 3, Type: raft.LogNoop},
		{Index: 12, Term: 3, Type: raft.LogConfiguration, Data: []byte("conf"), Extensions: []byte("ext"), AppendedAt: time.Unix(-5, 0)},
	}
}

// normal makes what is empty nil, as raft does not tell them apart.
func normal(r *raft.AppendEntriesRequest) *raft.AppendEntriesRequest {
	for _, l := range r.Entries {
		if len(l.Data) == 0 {
			l.Data = nil
		}
	}
	return r
}

func TestMessagesSurviveTheWire(t *testing.T) {
	from, h := testSender(), testHeader()
	appending := &raft.AppendEntriesRequest{RPCHeader: h, Term: 3, PrevLogEntry: 7, PrevLogTerm: 2, Entries: testEntries(), LeaderCommitIndex: 1 << 60}
	vote := &raft.RequestVoteRequest{RPCHeader: h, Term: 9, LastLogIndex: 300, LastLogTerm: 8, LeadershipTransfer: true}
	preVote := &raft.RequestPreVoteRequest{RPCHeader: h, Term: 9, LastLogIndex: 300, LastLogTerm: 8}
	snapshot := &raft.InstallSnapshotRequest{RPCHeader: h, SnapshotVersion: 1, Term: 4, LastLogIndex: 5, LastLogTerm: 3,
		Configuration: []byte("c"), ConfigurationIndex: 2, Size: 1 << 40}
	check := func(want, got any, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
	gotAppend, err := decodeAppend(encodeAppend(nil, appending, 7, 2, appending.Entries), from)
	check(normal(appending), normal(gotAppend), err)
	gotVote, err := decodeVote(encodeVote(nil, vote), from)
	check(vote, gotVote, err)
	gotPre, err := decodePreVote(encodePreVote(nil, preVote), from)
	check(preVote, gotPre, err)
	gotSnapshot, err := decodeSnapshot(encodeSnapshot(nil, snapshot), from)
	check(snapshot, gotSnapshot, err)
	gotNow, err := decodeTimeoutNow(encodeTimeoutNow(nil, &raft.TimeoutNowRequest{RPCHeader: h}), from)
	check(&raft.TimeoutNowRequest{RPCHeader: h}, gotNow, err)

	appended, gotAppended := raft.AppendEntriesResponse{RPCHeader: h, Term: 4, LastLog: 9, Success: true, NoRetryBackoff: true}, raft.AppendEntriesResponse{}
	check(&appended, &gotAppended, decodeAppendAnswer(encodeAppendAnswer(nil, &appended), from, &gotAppended))
	voted, gotVoted := raft.RequestVoteResponse{RPCHeader: h, Term: 4, Granted: true}, raft.RequestVoteResponse{}
	check(&voted, &gotVoted, decodeVoteAnswer(encodeVoteAnswer(nil, &voted), from, &gotVoted))
	preVoted, gotPreVoted := raft.RequestPreVoteResponse{RPCHeader: h, Term: 4, Granted: true}, raft.RequestPreVoteResponse{}
	check(&preVoted, &gotPreVoted, decodePreVoteAnswer(encodePreVoteAnswer(nil, &preVoted), from, &gotPreVoted))
	installed, gotInstalled := raft.InstallSnapshotResponse{RPCHeader: h, Term: 4, Success: true}, raft.InstallSnapshotResponse{}
	check(&installed, &gotInstalled, decodeSnapshotAnswer(encodeSnapshotAnswer(nil, &installed), from, &gotInstalled))
	now, gotNowAnswer := raft.TimeoutNowResponse{RPCHeader: h}, raft.TimeoutNowResponse{}
	check(&now, &gotNowAnswer, decodeTimeoutNowAnswer(encodeTimeoutNowAnswer(nil, &now), from, &gotNowAnswer))

	greeted := greeting{1, 1, classStream, "c", Peer{"a", "1"}, Peer{"b", "2"}, "host:1"}
	gotGreeting, err := decodeGreeting(greeted.encode())
	check(greeted, gotGreeting, err)
	answer := response{crossed, 1, Peer{"b", "2"}, "host:2"}
	gotResponse, err := decodeResponse(answer.encode())
	check(answer, gotResponse, err)
	seen := []Visible{{1, 2, 3, 4, 5}, {1 << 31, 1 << 62, 7, 0, 0}}
	gotSeen, err := decodeVisibles(encodeVisible(encodeVisible(nil, seen[0]), seen[1]))
	check(seen, gotSeen, err)
}

func TestSenderIsWhoTheConnectionSays(t *testing.T) {
	forged := &raft.RequestVoteRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte("z@9"), Addr: []byte("elsewhere")}, Term: 1}
	got, err := decodeVote(encodeVote(nil, forged), testSender())
	if err != nil || string(got.ID) != "a@1" || string(got.Addr) != "host:1" {
		t.Errorf("vote from %s at %s, %v", got.ID, got.Addr, err)
	}
}

func TestLargeFramesComeInPieces(t *testing.T) {
	frameOf := func(size int) []byte {
		buf := beginFrame(nil, kindAppend, 7, 9)
		for i := range size {
			buf = append(buf, byte(i*31))
		}
		return endFrame(buf, 0)
	}
	for _, size := range []int{0, 1, pieceBytes - frameHeader, pieceBytes, 3*pieceBytes + 5, 1 << 20} {
		q := newQueue(Config{}.withDefaults())
		want := frameOf(size)
		if err := q.push(want, false); err != nil {
			t.Fatal(err)
		}
		if err := q.push(frameOf(3), false); err != nil {
			t.Fatal(err)
		}
		var written []byte
		for {
			batch := q.take(nil, func([]byte) {})
			if len(batch) == 0 {
				break
			}
			if len(batch) > 2*batchBytes {
				t.Errorf("size %d: a batch of %d bytes", size, len(batch))
			}
			written = append(written, batch...)
		}
		got := readAll(t, written)
		if len(got) != 2 || got[0].group != 7 || got[0].id != 9 || got[0].kind != kindAppend || !bytes.Equal(got[0].body, want[frameHeader:]) || len(got[1].body) != 3 {
			t.Errorf("size %d: %d frames came", size, len(got))
		}
		if _, bytes := q.size(); bytes != 0 {
			t.Errorf("size %d: %d bytes are left", size, bytes)
		}
	}
}

// readAll reads the frames of some bytes as a session does.
func readAll(t *testing.T, data []byte) (frames []frame) {
	r := frameReader{r: bufio.NewReader(bytes.NewReader(data)), limit: 8 << 20}
	large := pieces{limit: 8 << 20}
	for {
		f, err := r.read()
		if err != nil {
			return frames
		}
		whole := f.kind != kindPiece
		if !whole {
			if f, whole, err = large.add(f); err != nil {
				t.Fatal(err)
			}
		}
		if whole {
			f.body = bytes.Clone(f.body)
			frames = append(frames, f)
		}
	}
}

func TestPartsOfAnAppendAreAppends(t *testing.T) {
	var entries []*raft.Log
	for i := range 10 {
		entries = append(entries, &raft.Log{Index: uint64(i + 1), Data: make([]byte, 100)})
	}
	rest, parts := entries, 0
	for len(rest) > 0 {
		part, size := cutPart(rest, 500)
		if len(part) == 0 || size > 500 {
			t.Fatalf("part of %d entries, %d bytes", len(part), size)
		}
		rest = rest[len(part):]
		parts++
	}
	if parts != 4 {
		t.Errorf("%d parts", parts)
	}
	if part, _ := cutPart(entries, 10); len(part) != 1 {
		t.Errorf("an entry larger than a part goes alone, not %d", len(part))
	}
}

// FuzzDecode: whatever a peer sends is decoded or refused, and what was decoded means
// the same when it is sent on.
func FuzzDecode(f *testing.F) {
	full := &raft.AppendEntriesRequest{RPCHeader: testHeader(), Term: 3, PrevLogEntry: 7, PrevLogTerm: 2, Entries: testEntries()}
	f.Add(encodeAppend(nil, full, 7, 2, full.Entries))
	f.Add(encodeVote(nil, &raft.RequestVoteRequest{Term: 9, LastLogIndex: 1 << 50}))
	f.Add(encodeSnapshot(nil, &raft.InstallSnapshotRequest{Configuration: []byte("c"), Size: 9}))
	f.Add(greeting{1, 1, classFrames, "c", Peer{"a", "1"}, Peer{"b", "2"}, "x"}.encode())
	f.Add(encodeVisible(nil, Visible{1, 2, 3, 4, 5}))
	f.Add(endFrame(append(beginFrame(nil, kindPiece, 0, 1), endFrame(beginFrame(nil, kindPing, 0, 0), 0)...), 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		from := testSender()
		if r, err := decodeAppend(data, from); err == nil {
			again, err := decodeAppend(encodeAppend(nil, r, r.PrevLogEntry, r.PrevLogTerm, r.Entries), from)
			if err != nil || !reflect.DeepEqual(normal(r), normal(again)) {
				t.Errorf("append %+v became %+v, %v", r, again, err)
			}
		}
		if r, err := decodeVote(data, from); err == nil {
			if again, err := decodeVote(encodeVote(nil, r), from); err != nil || !reflect.DeepEqual(r, again) {
				t.Errorf("vote %+v became %+v, %v", r, again, err)
			}
		}
		if r, err := decodeSnapshot(data, from); err == nil {
			_ = checkConfiguration(r.Configuration)
			if again, err := decodeSnapshot(encodeSnapshot(nil, r), from); err != nil || !reflect.DeepEqual(r, again) {
				t.Errorf("snapshot %+v became %+v, %v", r, again, err)
			}
		}
		if g, err := decodeGreeting(data); err == nil && !g.from.valid() {
			t.Error("greeting of nobody")
		}
		var appended raft.AppendEntriesResponse
		_ = decodeAppendAnswer(data, from, &appended)
		_, _ = decodePreVote(data, from)
		_, _ = decodeTimeoutNow(data, from)
		_, _ = decodeResponse(data)
		_, _ = decodeVisibles(data)
		_, _ = decodeTermAnswers(data, 3)
		_, _, _, _ = decodeCall(data)
		if decodeRefusal(data) == nil {
			t.Error("a refusal without an error")
		}
		readAllOf(data)
	})
}

// readAllOf reads frames from anything, pieces included, and must end.
func readAllOf(data []byte) {
	r := frameReader{r: bufio.NewReader(bytes.NewReader(data)), limit: 1 << 20}
	large := pieces{limit: 1 << 20}
	for {
		f, err := r.read()
		if err == nil && f.kind == kindPiece {
			_, _, err = large.add(f)
		}
		if err != nil {
			return
		}
	}
}

func TestServerIDs(t *testing.T) {
	p, err := ParseServerID("node-1@4f0a")
	if err != nil || p != (Peer{"node-1", "4f0a"}) || p.ServerID() != "node-1@4f0a" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []raft.ServerID{"", "a", "a@", "@1", "a@b@c", "a b@1", "a/b@1"} {
		if p, err := ParseServerID(bad); err == nil {
			t.Errorf("%q is %+v", bad, p)
		}
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	for why, want := range map[refusal]error{
		refusedUnknownGroup: ErrUnknownGroup, refusedBusy: ErrPeerBusy, refusedClosed: ErrClosed,
		refusedUnsupported: ErrUnsupported, refusedFailed: ErrRemote, 200: ErrRemote,
	} {
		if err := decodeRefusal(encodeRefusal(nil, why, "text")); !errors.Is(err, want) {
			t.Errorf("%v: %v", why, err)
		}
	}
}
