package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	// What the .proto files import: linking a package registers its descriptors.
	_ "google.golang.org/genproto/googleapis/api/annotations"
	_ "google.golang.org/genproto/googleapis/api/httpbody"
	_ "google.golang.org/protobuf/types/known/durationpb"
)

// plugin is a pinned tool of the module and its parameter.
type plugin struct{ tool, parameter string }

func main() {
	out := flag.String("out", ".", "folder to write into")
	flag.Parse()
	if err := generate(*out); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(out string) error {
	names, err := sources(".")
	if err != nil {
		return err
	}
	files, err := compile(names)
	if err != nil {
		return err
	}
	plugins := []plugin{
		{"protoc-gen-go", "paths=source_relative"},
		{"protoc-gen-go-grpc", "paths=source_relative"},
		{"protoc-gen-grpc-gateway", "paths=source_relative"},
		{"protoc-gen-openapiv2", "allow_merge=true,merge_file_name=vertebra/v1/vertebra,disable_default_errors=true"},
	}
	for _, p := range plugins {
		if err := run(p, names, files, out); err != nil {
			return fmt.Errorf("%s: %w", p.tool, err)
		}
	}
	return describe(filepath.Join(out, "vertebra", "v1", "vertebra.swagger.json"))
}

// sources returns the .proto files below dir, sorted, with slashes.
func sources(dir string) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".proto") {
			names = append(names, path)
		}
		return err
	})
	return names, err
}

// compile returns the descriptors of the named files and of all that they
// import, each behind its own imports as the plugins demand.
func compile(names []string) ([]*descriptorpb.FileDescriptorProto, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.CompositeResolver{
			protocompile.WithStandardImports(&protocompile.SourceResolver{}),
			protocompile.ResolverFunc(linked),
		},
		SourceInfoMode: protocompile.SourceInfoStandard, // comments become documentation
	}
	compiled, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		return nil, err
	}
	var ordered []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	for _, file := range compiled {
		ordered = appendWithImports(ordered, file, seen)
	}
	return ordered, nil
}

// linked finds a file among the descriptors of the packages linked into this program.
func linked(path string) (protocompile.SearchResult, error) {
	file, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		return protocompile.SearchResult{}, err
	}
	return protocompile.SearchResult{Desc: file}, nil
}

func appendWithImports(ordered []*descriptorpb.FileDescriptorProto, file protoreflect.FileDescriptor, seen map[string]bool) []*descriptorpb.FileDescriptorProto {
	if seen[file.Path()] {
		return ordered
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		ordered = appendWithImports(ordered, file.Imports().Get(i).FileDescriptor, seen)
	}
	if result, ok := file.(linker.Result); ok {
		return append(ordered, result.FileDescriptorProto()) // keeps the comments
	}
	imported := protodesc.ToFileDescriptorProto(file)
	imported.SourceCodeInfo = &descriptorpb.SourceCodeInfo{} // linked descriptors have no comments; openapiv2 warns of nil
	return append(ordered, imported)
}

// run feeds a plugin what protoc would and writes the files that it answers with.
func run(p plugin, names []string, files []*descriptorpb.FileDescriptorProto, out string) error {
	request, err := proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate:  slices.Clone(names),
		Parameter:       proto.String(p.parameter),
		ProtoFile:       files,
		CompilerVersion: &pluginpb.Version{Major: proto.Int32(5), Minor: proto.Int32(0), Patch: proto.Int32(0)},
	})
	if err != nil {
		return err
	}
	command := exec.Command("go", "tool", p.tool)
	command.Stdin = bytes.NewReader(request)
	command.Stderr = os.Stderr
	answer, err := command.Output()
	if err != nil {
		return err
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(answer, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return fmt.Errorf("refused: %s", response.GetError())
	}
	return write(&response, out)
}

func write(response *pluginpb.CodeGeneratorResponse, out string) error {
	for _, file := range response.File {
		path := filepath.Join(out, filepath.FromSlash(file.GetName()))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(file.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
