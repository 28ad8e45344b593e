package cluster

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vertebra/consensus"
	"vertebra/storage"
)

// nodeMetrics are a node's figures. Gauges are read when they are asked for; what
// happens between two readings is observed as it happens.
type nodeMetrics struct {
	node *Node

	fsync, apply, proof *prometheus.HistogramVec
	pack                *prometheus.HistogramVec
	visible, applied    *prometheus.Desc
	queuedPayloads      *prometheus.Desc
	leading             *prometheus.Desc
	diskBytes           *prometheus.Desc
	written             *prometheus.Desc
	readAmp             *prometheus.Desc
	indexQueue          *prometheus.Desc
	indexLag            *prometheus.Desc
	indexDocuments      *prometheus.Desc
	indexSegments       *prometheus.Desc
	indexDisk           *prometheus.Desc
	indexRefused        *prometheus.Desc
}

func newNodeMetrics(n *Node) *nodeMetrics {
	// From a tenth of a millisecond, a sync of a good disk, to half a minute, a disk that
	// is about to fail.
	seconds := prometheus.ExponentialBuckets(0.0001, 2.5, 15)
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"shard"})
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &nodeMetrics{
		node:           n,
		fsync:          histogram("vertebra_consensus_fsync_seconds", "Time of a synced append to the raft log.", seconds),
		apply:          histogram("vertebra_consensus_apply_seconds", "Time to apply a batch of entries to the state.", seconds),
		proof:          histogram("vertebra_consensus_proof_seconds", "Time of a round that proves leadership for reads.", seconds),
		pack:           histogram("vertebra_consensus_entry_payloads", "Mutations that travelled in one raft entry.", prometheus.ExponentialBuckets(1, 2, 9)),
		visible:        desc("vertebra_cluster_visible_index", "V: what may be seen of the shard is at or below it.", "shard"),
		applied:        desc("vertebra_cluster_applied_index", "What is applied of the shard here.", "shard"),
		queuedPayloads: desc("vertebra_consensus_queue_payloads", "Mutations that wait to be proposed.", "shard"),
		leading:        desc("vertebra_consensus_leading_shards", "Shards that this node leads."),
		diskBytes:      desc("vertebra_storage_disk_bytes", "Size of a store on disk.", "store"),
		written:        desc("vertebra_storage_written_bytes", "Bytes written to disk since the start, compactions included.", "store"),
		readAmp:        desc("vertebra_storage_read_amplification_runs", "Sorted runs that a read may have to look at.", "store"),
		indexQueue:     desc("vertebra_index_queue_documents", "Documents that bleve does not have yet."),
		indexLag:       desc("vertebra_index_lag_seconds", "Age of the oldest document that bleve does not have yet."),
		indexDocuments: desc("vertebra_index_live_documents", "Documents in bleve."),
		indexSegments:  desc("vertebra_index_bleve_segments", "Segments of bleve's index."),
		indexDisk:      desc("vertebra_index_disk_bytes", "Size of bleve's index on disk."),
		indexRefused:   desc("vertebra_index_refused_writes", "Writes refused since the start because the queue was full."),
	}
}

// Collector gives the node's metrics to a registry. A person is never a label.
func (n *Node) Collector() prometheus.Collector { return n.metrics }

// Describe implements prometheus.Collector.
func (m *nodeMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, h := range m.histograms() {
		h.Describe(to)
	}
	for _, d := range []*prometheus.Desc{
		m.visible, m.applied, m.queuedPayloads, m.leading, m.diskBytes, m.written, m.readAmp,
		m.indexQueue, m.indexLag, m.indexDocuments, m.indexSegments, m.indexDisk, m.indexRefused,
	} {
		to <- d
	}
}

func (m *nodeMetrics) histograms() []*prometheus.HistogramVec {
	return []*prometheus.HistogramVec{m.fsync, m.apply, m.proof, m.pack}
}

// Collect implements prometheus.Collector.
func (m *nodeMetrics) Collect(to chan<- prometheus.Metric) {
	for _, h := range m.histograms() {
		h.Collect(to)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	leading := 0
	for _, r := range m.node.replicas {
		shard := strconv.Itoa(int(r.id))
		gauge(m.visible, float64(r.visible.load()), shard)
		gauge(m.applied, float64(r.state.AppliedIndex()), shard)
		if g := r.group(); g != nil {
			gauge(m.queuedPayloads, float64(g.Stats().QueuedPayloads), shard)
		}
		if r.established() {
			leading++
		}
	}
	gauge(m.leading, float64(leading))
	stored := m.node.store.Metrics()
	for name, s := range map[string]storage.DatabaseMetrics{"state": stored.State, "log": stored.Log} {
		gauge(m.diskBytes, float64(s.DiskBytes), name)
		gauge(m.written, float64(s.BytesWritten), name)
		gauge(m.readAmp, float64(s.ReadAmp), name)
	}
	indexed := m.node.index.Metrics()
	gauge(m.indexQueue, float64(indexed.Lag.Queued))
	gauge(m.indexLag, indexed.Lag.Age.Seconds())
	gauge(m.indexDocuments, float64(indexed.Documents))
	gauge(m.indexSegments, float64(indexed.Segments))
	gauge(m.indexDisk, float64(indexed.DiskBytes))
	gauge(m.indexRefused, float64(indexed.Refused))
}

// observers are told by a shard's group what happens there.
func (m *nodeMetrics) observers(id ShardID) consensus.Observers {
	shard := strconv.Itoa(int(id))
	fsync, apply := m.fsync.WithLabelValues(shard), m.apply.WithLabelValues(shard)
	proof, pack := m.proof.WithLabelValues(shard), m.pack.WithLabelValues(shard)
	return consensus.Observers{
		Fsync: func(d time.Duration, _, _ int) { fsync.Observe(d.Seconds()) },
		Apply: func(d time.Duration, _, _ int) { apply.Observe(d.Seconds()) },
		Pack:  func(_ time.Duration, payloads, _ int) { pack.Observe(float64(payloads)) },
		Proof: func(d time.Duration, _ bool) { proof.Observe(d.Seconds()) },
	}
}
