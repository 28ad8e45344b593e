package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// environPrefix begins every variable that is a setting.
const environPrefix = "VERTEBRA_"

// configFlag names the flag of the file; it is no setting itself.
const configFlag = "config"

// mergeSettings merges defaults, the file, the variables and the flags, each over the
// one before, into a struct whose koanf tags are the flags' names. unknown names the
// VERTEBRA_* variables that are no setting of this command.
//
// An unknown key in the file is an error and an unknown variable is not: the file is
// ours, but the environment is shared. Kubernetes sets VERTEBRA_PORT and more for a
// service called vertebra, and other commands have settings of their own.
func mergeSettings(flags *pflag.FlagSet, environ []string, into any) (unknown []string, err error) {
	k := koanf.New(".")
	if err := mergeFile(k, flags); err != nil {
		return nil, err
	}
	unknown, err = mergeEnviron(k, flags, environ)
	if err != nil {
		return nil, err
	}
	if err := k.Load(posflag.Provider(flags, ".", k), nil); err != nil {
		return nil, fmt.Errorf("flags: %w", err)
	}
	if err := k.Unmarshal("", into); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return unknown, nil
}

// mergeFile merges the YAML file of --config, when there is one.
func mergeFile(k *koanf.Koanf, flags *pflag.FlagSet) error {
	flag := flags.Lookup(configFlag)
	if flag == nil || flag.Value.String() == "" {
		return nil
	}
	path := flag.Value.String()
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return fmt.Errorf("--%s %s: %w", configFlag, path, err)
	}
	for _, key := range k.Keys() {
		if !isSetting(flags, key) {
			return fmt.Errorf("--%s %s: unknown setting %q", configFlag, path, key)
		}
	}
	return nil
}

// mergeEnviron merges the VERTEBRA_* variables: VERTEBRA_NODE_ID is node-id.
func mergeEnviron(k *koanf.Koanf, flags *pflag.FlagSet, environ []string) (unknown []string, err error) {
	provider := env.Provider(".", env.Opt{
		Prefix:      environPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, environPrefix), "_", "-"))
			if !isSetting(flags, key) {
				unknown = append(unknown, name)
				return "", nil
			}
			if flags.Lookup(key).Value.Type() == "stringSlice" {
				return key, strings.Split(value, ",")
			}
			return key, value
		},
	})
	if err := k.Load(provider, nil); err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	slices.Sort(unknown)
	return unknown, nil
}

func isSetting(flags *pflag.FlagSet, name string) bool {
	return name != configFlag && name != "help" && flags.Lookup(name) != nil
}
