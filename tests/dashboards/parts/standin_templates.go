// Fills templates of alert rules as Grafana does, by Go's own text/template: reads JSON, writes JSON.
//
// In: {"texts": [...], "labels": {...}, "value": 1.5}; out: the filled texts, or one error on stderr.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"text/template"
)

type value struct {
	Labels map[string]string
	Value  float64
}

// What Grafana defines before each template, and those of its functions that the rules use.
const defined = "{{- $labels := .Labels -}}{{- $values := .Values -}}"

var functions = template.FuncMap{
	"humanizePercentage": func(share float64) string { return fmt.Sprintf("%.4g%%", share*100) },
	"reReplaceAll": func(pattern, with, text string) string {
		return regexp.MustCompile(pattern).ReplaceAllString(text, with)
	},
}

func main() {
	var given struct {
		Texts  []string
		Labels map[string]string
		Value  float64
	}
	fail(json.NewDecoder(os.Stdin).Decode(&given))
	filled := make([]string, 0, len(given.Texts))
	for _, text := range given.Texts {
		parsed, err := template.New("text").Funcs(functions).Option("missingkey=error").Parse(defined + text)
		fail(err)
		var made strings.Builder
		values := map[string]value{"A": {given.Labels, given.Value}}
		fail(parsed.Execute(&made, map[string]any{"Labels": given.Labels, "Values": values}))
		filled = append(filled, made.String())
	}
	fail(json.NewEncoder(os.Stdout).Encode(filled))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
