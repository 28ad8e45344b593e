package main

import (
	"context"
	"errors"
)

// errNotWired is what a build without an engine answers.
var errNotWired = errors.New("this build has no engine")

func startNode(context.Context, settings, parts) (*running, error) { return nil, errNotWired }

func checkData(context.Context, string) (checkReport, error) { return checkReport{}, errNotWired }
