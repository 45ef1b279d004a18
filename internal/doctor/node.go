// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"quay-keyless/internal/kubelet"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/request"
)

// NodeFlags are the flags of doctor on a Kubernetes node.
type NodeFlags struct {
	Node  bool
	Pod   string // NAMESPACE/NAME
	Paths kubelet.Paths
}

// AddTo declares the flags.
func (f *NodeFlags) AddTo(flags request.FlagSet) {
	flags.BoolVar(&f.Node, "node", false, "check this Kubernetes node instead of a job")
	flags.StringVar(&f.Pod, "pod", "", "with --node, pull as the Pod `NAMESPACE/NAME` would")
	flags.StringVar(&f.Paths.Config, "node-config", "", "read the CredentialProviderConfig at `PATH`")
	flags.StringVar(&f.Paths.Binaries, "node-bin-dir", "", "look for the plugins in the folder `PATH`")
	flags.StringVar(&f.Paths.Kubeconfig, "kubeconfig", "", "use the kubelet's kubeconfig at `PATH`")
}

// check finds wrong usage.
func (f NodeFlags) check() error {
	namespace, pod, _ := strings.Cut(f.Pod, "/")
	switch {
	case !f.Node && f != (NodeFlags{}):
		return errors.New("--pod, --node-config, --node-bin-dir and --kubeconfig need --node")
	case f.Pod != "" && (namespace == "" || pod == "" || strings.Contains(pod, "/")):
		return fmt.Errorf("--pod %q: write NAMESPACE/NAME", f.Pod)
	}
	return nil
}

// node is what the links of a node share.
type node struct {
	paths kubelet.Paths
	api   *kubelet.API
}

// nodeLinks are what the kubelet needs to pull with a Pod's service account. With --pod,
// the links of a login follow, with the token that the kubelet would get.
func (c *chain) nodeLinks() []link {
	n := &node{paths: c.flags.Paths.Find()}
	links := []link{
		{"kubelet", nil, func(ctx context.Context) (string, error) { return c.nodeConfig(ctx, n) }},
		{"RBAC", nil, func(ctx context.Context) (string, error) { return c.nodeRBAC(ctx, n) }},
	}
	if c.flags.Pod == "" {
		return append(links, link{"registry", nil, c.registry}, link{"connection", []string{"registry"}, c.connection}, link{"clock", []string{"registry"}, c.clock})
	}
	links = append(links, link{"Pod", []string{"RBAC"}, func(ctx context.Context) (string, error) { return c.nodePod(ctx, n) }})
	for _, l := range c.links()[:len(c.links())-1] { // a node has no auth file
		if l.name == "source" {
			l.needs = append(l.needs, "Pod")
		}
		links = append(links, l)
	}
	return links
}

// nodeConfig reads the configuration by the kubelet's rules.
func (c *chain) nodeConfig(ctx context.Context, n *node) (string, error) {
	if n.paths.Config == "" || n.paths.Binaries == "" {
		return "", &platform.Curable{
			Text:  "the kubelet has no credential provider",
			Cures: []string{"quay-keyless credential-provider config prints what it needs; --node-config and --node-bin-dir name other places"},
		}
	}
	config, err := kubelet.Load(n.paths.Config, n.paths.Binaries, c.run.Env.Reader(ctx))
	if err != nil {
		return "", err
	}
	provider, err := config.Ours(c.target.Registry.Host, c.target.Audience)
	return fmt.Sprintf("the provider %s in %s, by the kubelet's rules", provider.Name, n.paths.Config), err
}

// nodeRBAC asks the API server what the node may do.
func (c *chain) nodeRBAC(ctx context.Context, n *node) (string, error) {
	if n.paths.Kubeconfig == "" {
		return "", &skipped{"no kubeconfig of a kubelet was found: name it with --kubeconfig"}
	}
	var err error
	if n.api, err = kubelet.NewAPI(ctx, c.run, c.flags.IdentityFlags, n.paths.Kubeconfig); err != nil {
		return "", err
	}
	allowed, err := n.api.MayRequest(ctx, c.target.Audience)
	if err == nil && !allowed {
		err = &platform.Curable{
			Text:  fmt.Sprintf("this node may not request tokens with the audience %q", c.target.Audience),
			Cures: []string{"quay-keyless credential-provider config --format rbac | kubectl apply -f -"},
		}
	}
	return fmt.Sprintf("this node may request tokens with the audience %q", c.target.Audience), err
}

// nodePod gets what the kubelet would give the plugin.
func (c *chain) nodePod(ctx context.Context, n *node) (string, error) {
	namespace, pod, _ := strings.Cut(c.flags.Pod, "/")
	asked, err := n.api.Request(ctx, namespace, pod, c.target.Registry.Host, c.target.Audience)
	if err != nil {
		return "", err
	}
	c.run.Secrets.Add(asked.Token)
	targets, err := asked.Targets(c.flags.ExchangeFlags)
	if err != nil {
		return "", err
	}
	for _, t := range targets {
		if t.Robot == c.target.Robot {
			c.flags.Given = asked.Source()
			return fmt.Sprintf("its service account's annotation names %s", t.Robot), nil
		}
	}
	return "", fmt.Errorf("the service account's annotation names %s, not %s", targets[0].Robot, c.target.Robot)
}
