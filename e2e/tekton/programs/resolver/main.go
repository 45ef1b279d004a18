// SPDX-License-Identifier: Apache-2.0

// Resolver is Tekton's program cmd/resolvers with one of its resolvers, bundles:
// the others are not used here, and one needs a module that a proxy may lack.
package main

import (
	"github.com/tektoncd/pipeline/pkg/apis/resolution/v1alpha1"
	"github.com/tektoncd/pipeline/pkg/remoteresolution/resolver/bundle"
	"github.com/tektoncd/pipeline/pkg/remoteresolution/resolver/framework"
	filteredinformerfactory "knative.dev/pkg/client/injection/kube/informers/factory/filtered"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/signals"
)

func main() {
	ctx := filteredinformerfactory.WithSelectors(signals.NewContext(), v1alpha1.ManagedByLabelKey)
	sharedmain.MainWithConfig(sharedmain.WithHADisabled(ctx), "controller", injection.ParseAndGetRESTConfigOrDie(), framework.NewController(ctx, &bundle.Resolver{}))
}
