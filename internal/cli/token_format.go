// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"strings"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
)

// tokenFormats are the forms in which tools want a robot token.
var tokenFormats = map[string]func(login.RobotToken) ([]byte, error){
	"text":              tokenText,
	"json":              tokenJSON,
	"kubernetes-secret": tokenSecret,
	"argocd":            tokenArgoCD,
	"renovate":          tokenRenovate,
}

func tokenText(m login.RobotToken) ([]byte, error) {
	return []byte(m.Token.Reveal() + "\n"), nil
}

func tokenJSON(m login.RobotToken) ([]byte, error) {
	return platform.Indented(map[string]string{
		"registry":   m.Registry.Key(),
		"username":   m.Robot.String(),
		"token":      m.Token.Reveal(),
		"expires_at": m.ExpiresAt.UTC().Format(time.RFC3339),
	})
}

// tokenSecret is a pull secret with the name that Quay's UI gives a robot's.
func tokenSecret(m login.RobotToken) ([]byte, error) {
	config, err := json.Marshal(map[string]any{"auths": map[string]any{
		m.Registry.Key(): map[string]string{"auth": authfile.Credential(m.Robot.String(), m.Token).Reveal()},
	}})
	if err != nil {
		return nil, err
	}
	return platform.Indented(map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata":   map[string]any{"name": secretName(m, "pull-secret")},
		"type":       "kubernetes.io/dockerconfigjson",
		"stringData": map[string]string{".dockerconfigjson": string(config)},
	})
}

// tokenArgoCD is a repository of Helm charts in the robot's organization. Argo CD
// compares its URL with that of an Application, which has no scheme.
func tokenArgoCD(m login.RobotToken) ([]byte, error) {
	url := m.Registry.Host + "/" + m.Robot.Namespace
	return platform.Indented(map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata": map[string]any{
			"name":   secretName(m, "argocd"),
			"labels": map[string]string{"argocd.argoproj.io/secret-type": "repository"},
		},
		"stringData": map[string]string{
			"type":      "helm",
			"enableOCI": "true",
			"name":      m.Robot.Namespace,
			"url":       url,
			"username":  m.Robot.String(),
			"password":  m.Token.Reveal(),
		},
	})
}

// tokenRenovate is for RENOVATE_HOST_RULES. A host matches whatever its port, so a
// host with one becomes a URL.
func tokenRenovate(m login.RobotToken) ([]byte, error) {
	host := m.Registry.Host
	switch {
	case m.Registry.PlainHTTP:
		host = "http://" + host + "/"
	case strings.Contains(host, ":"):
		host = "https://" + host + "/"
	}
	return platform.Indented([]map[string]string{{
		"hostType":  "docker",
		"matchHost": host,
		"username":  m.Robot.String(),
		"password":  m.Token.Reveal(),
	}})
}

func secretName(m login.RobotToken, purpose string) string {
	return strings.NewReplacer("+", "-", "_", "-").Replace(m.Robot.String()) + "-" + purpose
}
