package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts calls by service, operation and status: never by who is called
// about. Durations are taken with the machine's monotonic clock: they are of the
// process, not of the cluster's time, which the sandbox moves.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
}

func newMetrics() *metrics {
	return &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "vertebra_api_requests_total",
			Help: "Calls answered, by HTTP status; native gRPC calls count under the status that HTTP would have had."},
			[]string{"service", "operation", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "vertebra_api_request_seconds",
			Help:    "Time from the arrival of a call to its answer.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}},
			[]string{"service", "operation"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "vertebra_api_requests_in_flight",
			Help: "Calls in progress."}, []string{"service"}),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.inFlight} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// begin counts a call in; what it returns counts it out.
func (m *metrics) begin(op operation) func(*exchange) {
	inFlight := m.inFlight.WithLabelValues(op.service)
	inFlight.Inc()
	began := time.Now()
	return func(x *exchange) {
		inFlight.Dec()
		m.seconds.WithLabelValues(op.service, op.name).Observe(time.Since(began).Seconds())
		m.requests.WithLabelValues(op.service, op.name, strconv.Itoa(x.httpStatus())).Inc()
	}
}

// httpStatus is the status that the exchange ended with.
func (x *exchange) httpStatus() int {
	switch {
	case x.failed != nil:
		return x.failed.Status
	case x.status != 0:
		return x.status
	}
	return 200
}
