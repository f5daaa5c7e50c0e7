// Go: goroutines over threads, channels, select, the garbage collector, preemption by signals, timers, files, processes, pipes.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		text, _ := io.ReadAll(os.Stdin)
		fmt.Print(strings.ToUpper(string(text)), os.Getenv("NAME"))
		os.Exit(23)
	}
	runtime.GOMAXPROCS(4)
	results := make(chan int, 10)
	var group sync.WaitGroup
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			results <- i * i
		}(i)
	}
	go func() { group.Wait(); close(results) }()
	sum := 0
	for result := range results {
		sum += result
	}
	fmt.Println("goroutines", sum)

	// Loops that call nothing are interrupted by signals: without that, this would not end on one thread.
	runtime.GOMAXPROCS(1)
	var stop int32
	go func() {
		time.Sleep(10 * time.Millisecond)
		atomic.StoreInt32(&stop, 1)
	}()
	for atomic.LoadInt32(&stop) == 0 {
	}
	fmt.Println("preempted")
	runtime.GOMAXPROCS(4)

	// Garbage: far more than is kept.
	type node struct {
		next *node
		data [256]byte
	}
	var list *node
	for i := 0; i < 200000; i++ {
		fresh := &node{next: list}
		fresh.data[0] = byte(i)
		list = fresh
		if i%1000 == 999 {
			list = nil
		}
	}
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Println("collected", memory.NumGC > 0, memory.HeapAlloc < 20<<20)
	table := map[string]int{}
	for i := 0; i < 50000; i++ {
		table[fmt.Sprint(i*7919)] = i
	}
	fmt.Println("map", len(table), table[fmt.Sprint(777*7919)])

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	select {
	case <-ctx.Done():
		fmt.Println("timeout", ctx.Err())
	case <-time.After(30 * time.Second):
		fmt.Println("late")
	}
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		var empty []int
		_ = empty[len(os.Args)+2]
	}()
	func() {
		defer func() {
			_, isError := recover().(runtime.Error)
			fmt.Println("nil", isError)
		}()
		var nothing *node
		fmt.Println(nothing.data[0])
	}()

	place, _ := os.MkdirTemp("", "features_go")
	defer os.RemoveAll(place)
	file, _ := os.Create(filepath.Join(place, "text"))
	writer := bufio.NewWriter(file)
	for i := 0; i < 1000; i++ {
		fmt.Fprintln(writer, "line", i)
	}
	writer.Flush()
	file.Close()
	text, _ := os.ReadFile(filepath.Join(place, "text"))
	fmt.Println("lines", bytes.Count(text, []byte("\n")))
	_, err := os.Open(filepath.Join(place, "none"))
	fmt.Println("gone", errors.Is(err, os.ErrNotExist))
	os.Mkdir(filepath.Join(place, "b"), 0o755)
	entries, _ := os.ReadDir(place)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	sort.Strings(names)
	fmt.Println("names", names)

	self, _ := os.Executable()
	command := exec.Command(self, "child")
	command.Env = append(os.Environ(), "NAME=value")
	command.Stdin = strings.NewReader("words ")
	output, err := command.Output()
	var exit *exec.ExitError
	fmt.Println("process", string(output), errors.As(err, &exit) && exit.ExitCode() == 23)

	reader, pipe, _ := os.Pipe()
	go func() {
		time.Sleep(5 * time.Millisecond)
		pipe.Write([]byte("through"))
		pipe.Close()
	}()
	got, _ := io.ReadAll(reader)
	fmt.Println("pipe", string(got))
	reader, pipe, _ = os.Pipe()
	reader.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err = reader.Read(make([]byte, 1))
	fmt.Println("deadline", errors.Is(err, os.ErrDeadlineExceeded))
	pipe.Close()

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println("signal", <-signals)
	ticks := time.NewTicker(2 * time.Millisecond)
	for i := 0; i < 5; i++ {
		<-ticks.C
	}
	ticks.Stop()
	fmt.Println("ticks")
}
