// SPDX-License-Identifier: Apache-2.0

// Keyring looks logins up by the kubelet's own plugin code, as the kubelet does before it
// pulls. It reads what the cluster would tell from standard input, and prints what each
// lookup found. The kubelet registers plugins once, so each configuration needs a process.
//
// Usage: keyring CONFIG BIN-DIR < JSON
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/credentialprovider/plugin"
)

// account is a service account and the token that the API server would issue for it.
type account struct {
	Token       string
	Annotations map[string]string
}

// lookup is one image for a Pod of a service account.
type lookup struct{ Account, Image string }

// found is a login for an image.
type found struct{ User, Password string }

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(config, folder string) error {
	var input struct {
		Accounts map[string]account
		Lookups  []lookup
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		return err
	}
	token := func(_, name string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
		request.Status.Token = input.Accounts[name].Token
		return request, nil
	}
	get := func(namespace, name string) (*corev1.ServiceAccount, error) {
		known, ok := input.Accounts[name]
		if !ok {
			return nil, errors.New("no service account " + name)
		}
		return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: types.UID("uid-" + name), Annotations: known.Annotations,
		}}, nil
	}
	if err := plugin.RegisterCredentialProviderPlugins(config, folder, token, get); err != nil {
		return err
	}
	results := [][]found{}
	for i, l := range input.Lookups {
		pod := fmt.Sprintf("pod-%d", i)
		logins, _ := plugin.NewExternalCredentialProviderDockerKeyring("apps", pod, "uid-"+pod, l.Account).Lookup(l.Image)
		result := []found{}
		for _, login := range logins {
			result = append(result, found{login.Username, login.Password})
		}
		results = append(results, result)
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}
