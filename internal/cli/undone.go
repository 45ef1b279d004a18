// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"time"

	"quay-keyless/internal/host"
)

// undone is what takes a half-made login back.
type undone []func(context.Context) error

// undoPatience is how long taking back half a login may take.
const undoPatience = 5 * time.Second

// all takes every step back, the last one first. The context of the login may
// be what ended.
func (u undone) all(ctx context.Context, say host.Host) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	for _, undo := range slices.Backward(u) {
		if err := undo(ctx); err != nil {
			say.Warn(host.Message{Text: err.Error()})
		}
	}
}
