module example.org/receive

go 1.24
