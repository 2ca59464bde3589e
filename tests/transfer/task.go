// Package transfer is what a damocles-worker asks a transfer processor for.
package transfer

// End is one end of a route: a path, and the name of the store that it is in, nil for none.
type End struct {
	Store *string `json:"store_name"`
	URI   string  `json:"uri"`
}

// Route is what is to go where.
type Route struct {
	Source      End     `json:"src"`
	Destination End     `json:"dest"`
	Options     Options `json:"opt"`
}

// Options of a route.
type Options struct {
	IsDir     bool `json:"is_dir"`
	AllowLink bool `json:"allow_link"`
}

// Store is what a task tells of a store that a route names.
type Store struct {
	Name string            `json:"name"`
	Meta map[string]string `json:"meta"`
}

// Task is a request, without the protocol's id.
type Task struct {
	Stores map[string]Store `json:"stores"`
	Routes []Route          `json:"routes"`
}

// TaskOf tells no more of the stores than their names.
func TaskOf(routes ...Route) Task {
	task := Task{Stores: map[string]Store{}, Routes: routes}
	for _, route := range routes {
		for _, end := range []End{route.Source, route.Destination} {
			if end.Store != nil {
				task.Stores[*end.Store] = Store{Name: *end.Store}
			}
		}
	}
	return task
}
