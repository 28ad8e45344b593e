package main

import "github.com/spf13/cobra"

func (p *program) generateCommand() *cobra.Command { return &cobra.Command{Use: "generate"} }
func (p *program) loadCommand() *cobra.Command     { return &cobra.Command{Use: "load"} }
