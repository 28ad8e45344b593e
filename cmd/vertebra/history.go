package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// maxHistoryBytes bounds what is read of a node's answer.
const maxHistoryBytes = 256 << 20

func (p *program) historyCommand() *cobra.Command {
	var admin string
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Print every kept version of a person's record, newest first; the NHS number comes on standard input",
		Long: `Print every kept version of a person's record, newest first, as a FHIR Bundle.

The NHS number is read from standard input, where no process list or shell history
shows it. The answer is unfiltered: it is for operators, over the admin port.`,
		Args: cobra.NoArgs,
		RunE: failing(func(cmd *cobra.Command, _ []string) error { return p.printHistory(cmd.Context(), admin) }),
	}
	cmd.Flags().StringVar(&admin, "admin", "127.0.0.1:7070", "admin address of a node")
	return cmd
}

func (p *program) printHistory(ctx context.Context, admin string) error {
	number, err := bufio.NewReader(io.LimitReader(p.stdin, 100)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("history: standard input: %w", err)
	}
	request, err := json.Marshal(map[string]string{"nhsNumber": strings.TrimSpace(number)})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+admin+"/admin/v1/history", bytes.NewReader(request))
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	answer, err := http.DefaultClient.Do(call)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxHistoryBytes))
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("history: %s: %s", answer.Status, body)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		return fmt.Errorf("history: the answer is not JSON: %w", err)
	}
	_, err = fmt.Fprintln(p.stdout, pretty.String())
	return err
}
