// SPDX-License-Identifier: Apache-2.0

package github

import (
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// Robots of two organizations and of a second registry in one step: each use
// takes the right one, from a folder without logins in the end.
// severalRobots are steps that log in to two registries as three robots, use each
// login, and try one for what it may not do.
const severalRobots = `
      - id: quay
        uses: OWNER/quay-keyless@v1
        with:
          registry: ${{ env.REGISTRY }}
          robot: |
            acme+ci
            other+deploy
            ${{ env.MIRROR }}/acme+mirror
          audience: |
            quay
            ${{ env.MIRROR }}=mirror
          check: |
            ${{ env.REGISTRY }}/acme/app:push
            other/app:push
            ${{ env.MIRROR }}/acme/app:push
          ca-certificate: ${{ env.CA }}
          install-ca: true
          isolated: true
      - run: buildah bud --tag image .
      - run: |
          for repository in "$REGISTRY/acme/app" "$REGISTRY/other/app" "$MIRROR/acme/app"; do
            buildah push image "docker://$repository:1"
            buildah pull "docker://$repository:1"
          done
      - id: other
        run: buildah push image "docker://$REGISTRY/acme/secret:1"
`

func TestWorkflowSeveralRobots(t *testing.T) {
	entry := func(issuer, audience string) []sandbox.Entry {
		return []sandbox.Entry{{Issuer: issuer, Subject: sandbox.Job{}.Subject(), Audiences: []string{audience}}}
	}
	first, ca := lab.SandboxOf(t, sandbox.Config{Robots: []sandbox.Robot{
		{Name: "acme+ci", Federation: entry("github", "quay"), Grants: map[string]sandbox.Role{"acme/app": sandbox.Write}},
		{Name: "other+deploy", Federation: entry("github", "quay"), Grants: map[string]sandbox.Role{"other/app": sandbox.Write}},
	}})
	second, secondCA := lab.SandboxOf(t, sandbox.Config{IssuerCA: first.CA, Robots: []sandbox.Robot{
		{Name: "acme+mirror", Federation: entry(first.URL+"/issuers/github", "mirror"), Grants: map[string]sandbox.Role{"acme/app": sandbox.Write}},
	}})
	lab.Write(t, ca, lab.Read(t, ca)+lab.Read(t, secondCA), 0o644)
	m := machine(t, first, ca)
	m.Env["MIRROR"] = second.Host
	former := lab.Read(t, config(m))
	log := m.Run(t, app(t), workflow(checkoutStep+severalRobots))
	if log.Result("job") != "failure" || log.Main("job", "other").Result != "failure" || log.Main("job", "3").Result != "success" {
		t.Fatalf("the job ended with %q\n%s", log.Result("job"), log.Shown)
	}
	if masks := log.Main("job", "quay").Masks; len(masks) != 8 {
		t.Errorf("%d values are masked; two ID tokens and three logins in two forms should be", len(masks))
	}
	lab.NoSecrets(t, "the log", log.Shown)
	file := log.Main("job", "quay").Outputs["authfile"]
	if file == config(m) {
		t.Errorf("the logins were in %s", file)
	}
	lab.NoSecrets(t, "the folder's auth file", lab.Read(t, file)) // act keeps the temporary files of a failed job
	if now := lab.Read(t, config(m)); now != former {
		t.Errorf("the auth file of the user's own is now\n%s", now)
	}
}
