# The whole of the test cloud: one worker, its two Durable Object classes, and a folder for their files.
# STATE_DIR, ACCOUNT_ID, API_TOKEN and SNAPSHOTS are filled in by the harness.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "state", disk = (path = "{{STATE_DIR}}", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [
    (name = "d1rest.js", esModule = embed "d1rest.js"),
    (name = "database.js", esModule = embed "database.js"),
    (name = "transfer.js", esModule = embed "transfer.js"),
    (name = "analytics.js", esModule = embed "analytics.js"),
    (name = "split.js", esModule = embed "split.js"),
  ],
  compatibilityDate = "2026-08-01",
  compatibilityFlags = ["nodejs_compat", "experimental"],
  durableObjectStorage = (localDisk = "state"),
  durableObjectNamespaces = [
    (className = "Database", uniqueKey = "d1-database", enableSql = true),
    (className = "Catalog", uniqueKey = "d1-catalog", enableSql = true),
  ],
  bindings = [
    (name = "DATABASE", durableObjectNamespace = "Database"),
    (name = "CATALOG", durableObjectNamespace = "Catalog"),
    (name = "DISK", service = "state"),
    (name = "ACCOUNT_ID", text = "{{ACCOUNT_ID}}"),
    (name = "API_TOKEN", text = "{{API_TOKEN}}"),
    (name = "SNAPSHOTS", text = "{{SNAPSHOTS}}"),
  ],
);
