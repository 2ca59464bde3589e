// Package procfs is what the kernel tells of processes.
package procfs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// StatusMiB is a line of /proc/PROCESS/status that counts in kB.
func StatusMiB(process, name string) (float64, error) {
	file := "/proc/" + process + "/status"
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == name+":" {
			kilobytes, err := strconv.ParseFloat(fields[1], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, name)
}
