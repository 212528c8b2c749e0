package deploy

import (
	"context"
	"encoding/json"
	"fmt"

	"towline/migrations"
)

// keepSchema keeps the objects of a database, and names the blob. The ledger's table is among them.
func (e *Engine) keepSchema(ctx context.Context, objs []migrations.Object) (string, error) {
	content, err := json.Marshal(objs)
	if err != nil {
		return "", fmt.Errorf("keep the schema: %w", err)
	}
	digest, err := e.blobs.PutBlob(ctx, content)
	return digest, wrap(err, "keep the schema")
}

// schema reads the objects that were kept under that name.
func (e *Engine) schema(ctx context.Context, digest string) ([]migrations.Object, error) {
	content, err := e.blobs.Blob(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("read a schema that was kept: %w", err)
	}
	var objs []migrations.Object
	if err := json.Unmarshal(content, &objs); err != nil {
		return nil, fmt.Errorf("read a schema that was kept: %w", err)
	}
	return objs, nil
}
