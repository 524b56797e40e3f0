//! Every limit of the bus that is not a setting, with its unit, in one place.

/// Bytes of a request body that a channel takes unless it says otherwise.
pub const BODY_BYTES_DEFAULT: u64 = 16 * 1024 * 1024;
/// Bytes of a request body that a channel may allow at most.
pub const BODY_BYTES_CEILING: u64 = 4 * 1024 * 1024 * 1024;
/// A raw body announced as no larger than this is handed over whole, a larger one by handle.
pub const BODY_INLINE_BYTES_MAX: u64 = 64 * 1024;
/// KiB of request bodies that one worker holds in memory at once, beside those that come in one piece.
pub const BUFFERED_KIB_MAX: usize = 256 * 1024;
/// A raw body of unknown length that has come whole within this time is handed over whole.
pub const BODY_AHEAD_MS: u64 = 20;
/// Bytes of replies that one worker holds for readers that have stopped reading; beyond it, those that stopped
/// first are dropped.
pub const REPLIES_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of a reply that the system keeps for one connection without having sent them.
pub const UNSENT_BYTES_MAX: u32 = 256 * 1024;
/// Bytes and fields of a request's head. Its address may have 65,534 bytes (hyper's own limit).
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
pub const HEADERS_MAX: usize = 128;
/// Bytes that are read from a connection at once, and that wait to be written to it. Read is so much only where bodies
/// come that fast.
pub const READ_BYTES_MAX: usize = 408 * 1024;
/// Connections that one worker may be told to hold, and descriptors that it keeps for everything else.
pub const CONNECTIONS_CEILING: u32 = 1_000_000;
pub const DESCRIPTORS_KEPT: u64 = 192;
/// Wall time of a call unless its channel or service says otherwise.
pub const CALL_TIMEOUT_MS_DEFAULT: u64 = 30_000;
pub const CALL_TIMEOUT_MS_CEILING: u64 = 3_600_000;
/// Time on the processor that a call may use, counted in epoch ticks.
pub const CALL_CPU_MS_DEFAULT: u64 = 5_000;
pub const CALL_CPU_MS_CEILING: u64 = 600_000;
/// Linear memory of one instance.
pub const CALL_MEMORY_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
pub const CALL_MEMORY_BYTES_CEILING: u64 = 1024 * 1024 * 1024;
/// Bytes that a reply may have.
pub const CALL_OUTPUT_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
pub const CALL_OUTPUT_BYTES_CEILING: u64 = 4 * 1024 * 1024 * 1024;
/// Calls of other services that one call may make, nested ones not counted.
pub const CALL_INVOKES_DEFAULT: u32 = 1_000;
/// Depth of `invoke` within `invoke`; a channel's own call is depth 0.
pub const CALL_DEPTH_MAX: u32 = 16;
/// Bytes of log text that one call may write.
pub const CALL_LOG_BYTES_MAX: usize = 64 * 1024;
/// Calls of one service that run at once in one worker.
pub const SERVICE_CONCURRENCY_DEFAULT: u32 = 64;
pub const SERVICE_CONCURRENCY_CEILING: u32 = 1_000;
/// Calls of one service that wait for their turn in one worker.
pub const SERVICE_QUEUE_DEFAULT: u32 = 256;
pub const SERVICE_QUEUE_CEILING: u32 = 100_000;
/// Calls that a pooled instance serves at most, whatever its service asks for.
pub const INSTANCE_CALLS_CEILING: u32 = 10_000;
/// Component instances alive in one worker.
pub const WORKER_INSTANCES_MAX: u32 = 1_000;
/// Linear memory of all instances of one worker together.
pub const WORKER_MEMORY_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Bytes that a plugin's `cache` holds in one worker, keys and values.
pub const CACHE_BYTES_MAX: usize = 16 * 1024 * 1024;
pub const CACHE_VALUE_BYTES_MAX: usize = 1024 * 1024;
/// A plugin file.
pub const PLUGIN_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Services that one plugin may offer.
pub const PLUGIN_SERVICES_MAX: usize = 256;
/// What a plugin says of itself, as JSON: it goes to every worker with each change of any definition.
pub const DESCRIPTION_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Processor time and wall time of `describe`.
pub const DESCRIBE_CPU_MS: u64 = 2_000;
pub const DESCRIBE_TIMEOUT_MS: u64 = 10_000;
/// Exports and imports of a component, each.
pub const COMPONENT_NAMES_MAX: usize = 1_000;
/// Elements of one table of an instance.
pub const TABLE_ELEMENTS_MAX: usize = 100_000;
/// Why a deployment failed, in characters.
pub const REASON_CHARS_MAX: usize = 2_000;
/// Compilations at once, and how long one has all processors before the next one begins.
pub const COMPILATIONS_MAX: usize = 3;
pub const COMPILE_ALONE_MS: u64 = 5_000;
/// Memory of one compilation unless the machine has less.
pub const COMPILE_MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// A JSON Schema, as text.
pub const SCHEMA_BYTES_MAX: usize = 256 * 1024;
/// How many schemas may look at one value of a payload.
pub const SCHEMA_LOOKS_MAX: u64 = 10_000;
/// Patterns in one schema: each takes memory in every worker.
pub const SCHEMA_PATTERNS_MAX: usize = 200;
/// Bytes that the patterns of all schemas of a plugin may take in each worker.
pub const PLUGIN_PATTERN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Places that a refused payload is explained by, and characters of each message.
pub const FIELD_ERRORS_MAX: usize = 32;
pub const FIELD_MESSAGE_CHARS_MAX: usize = 200;
/// Values of a typed JSON payload, objects and arrays among them: each takes up to some 150 bytes while it is checked.
pub const JSON_VALUES_MAX: usize = 1_000_000;
/// A larger payload is checked beside the worker's own thread.
pub const CHECK_INLINE_BYTES_MAX: usize = 256 * 1024;
/// Places where a new version would break callers that are listed.
pub const BREAKS_MAX: usize = 50;
/// Pairs of schemas that are compared before two contracts count as too large for it.
pub const COMPARISONS_MAX: usize = 20_000;
/// A plugin's config, as text.
pub const CONFIG_BYTES_MAX: usize = 64 * 1024;
/// The value of a secret.
pub const SECRET_VALUE_BYTES_MAX: usize = 64 * 1024;
/// What a secret is for, in bytes.
pub const SECRET_DESCRIPTION_BYTES_MAX: usize = 1024;
/// A value shorter than this is not redacted from logs: it would hit too much that it is not.
pub const REDACTED_BYTES_MIN: usize = 4;
/// Values that one plugin was shown and that its log lines are searched for, in one worker.
pub const REDACTED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A name of anything.
pub const NAME_CHARS_MAX: usize = 128;
/// A channel's path.
pub const PATH_CHARS_MAX: usize = 1024;
/// An origin in a channel's `cors`.
pub const ORIGIN_BYTES_MAX: usize = 256;
/// Origins, and headers of each kind, that a channel's `cors` may name.
pub const CORS_ITEMS_MAX: usize = 64;
/// How long a browser may remember the answer to a preflight. None remembers it for more than a day.
pub const CORS_MAX_AGE_S_DEFAULT: u32 = 600;
pub const CORS_MAX_AGE_S_CEILING: u32 = 86_400;
/// Versions of one plugin that are kept beside the active one.
pub const PLUGIN_VERSIONS_KEPT: usize = 10;
/// An artifact is stored in rows of this size.
pub const ARTIFACT_CHUNK_BYTES: usize = 1024 * 1024;
/// Items of a list in the admin API: what one page holds by default and at most.
pub const PAGE_ITEMS_DEFAULT: u32 = 50;
pub const PAGE_ITEMS_MAX: u32 = 500;
/// A live server renews its heartbeat this often; one silent for `HEARTBEAT_DEAD_MS` is not waited for.
pub const HEARTBEAT_MS: u64 = 2_000;
pub const HEARTBEAT_DEAD_MS: i64 = 10_000;
/// The leader's lease: how often it is renewed and looked at, for how long a leader that can't renew it goes on, and
/// after how long a silence another server takes it.
pub const LEASE_LOOK_MS: u64 = 1_000;
pub const LEASE_HELD_MS: u64 = 4_000;
pub const LEASE_SILENT_MS: u64 = 6_000;
/// Events between servers: those that wait at the broker for one process, for how long, how large one is, and how
/// long one that was published is waited for.
pub const EVENTS_WAITING_MAX: u32 = 1_000;
pub const EVENT_LIFE_MS: u64 = 10_000;
pub const EVENT_BYTES_MAX: usize = 256 * 1024;
pub const EVENT_PATIENCE_MS: u64 = 2_000;
/// How long workers have to show that they live when someone asks how a server is.
pub const WORKERS_ANSWER_MS: u64 = 500;
/// How long servers have to answer when someone asks all of them.
pub const SERVERS_ANSWER_MS: u64 = 1_500;
/// How often the singleton asks the ODB for changes when no hint comes.
pub const ODB_POLL_MS: u64 = 2_000;
/// A worker whose singleton is silent for so long asks the ODB itself.
pub const FEED_SILENT_MS: u64 = 3_000;
/// How often the singleton says that it is alive.
pub const FEED_PING_MS: u64 = 1_000;
/// A version that was there when so many processes died within `QUARANTINE_WINDOW_MS` is quarantined.
pub const QUARANTINE_DEATHS: usize = 3;
pub const QUARANTINE_WINDOW_MS: u64 = 600_000;
/// What one unit of work may hold: staged writes and deliveries, and their bytes.
pub const UNIT_EFFECTS_MAX: usize = 1_000;
pub const UNIT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A key and a value of a plugin's `kv`.
pub const KV_KEY_BYTES_MAX: usize = 512;
pub const KV_VALUE_BYTES_MAX: usize = 1024 * 1024;
/// What one page of a `kv` listing holds.
pub const KV_PAGE_ITEMS_MAX: u32 = 1_000;
pub const KV_PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a value may be kept before it expires.
pub const KV_TTL_MS_CEILING: u64 = 10 * 365 * 24 * 3_600_000;
/// A message that is delivered.
pub const DELIVERY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// A key that orders deliveries.
pub const ORDER_KEY_BYTES_MAX: usize = 256;
/// Attempts at a delivery unless its sender says otherwise: with these pauses about nine minutes.
pub const DELIVERY_ATTEMPTS_DEFAULT: u32 = 10;
pub const DELIVERY_ATTEMPTS_CEILING: u32 = 1_000;
pub const DELIVERY_BACKOFF_MS_DEFAULT: u64 = 1_000;
pub const DELIVERY_BACKOFF_MAX_MS_DEFAULT: u64 = 300_000;
pub const DELIVERY_BACKOFF_MS_CEILING: u64 = 24 * 3_600_000;
/// How long a delivery is attempted at all.
pub const DELIVERY_LIFETIME_MS_DEFAULT: u64 = 7 * 24 * 3_600_000;
pub const DELIVERY_LIFETIME_MS_CEILING: u64 = 365 * 24 * 3_600_000;
/// Failed attempts that a delivery remembers, and characters of the reason of each.
pub const DELIVERY_FAILURES_KEPT: usize = 20;
pub const FAILURE_CHARS_MAX: usize = 1_000;
/// Deliveries that one worker attempts at once, of all targets and of one.
pub const DELIVERIES_AT_ONCE: usize = 64;
pub const DELIVERIES_AT_ONCE_PER_TARGET: usize = 32;
/// How long it may take until a system of others has confirmed what is delivered to it.
pub const OUTLET_TIMEOUT_MS: u64 = 30_000;
/// A claim outlives the time limit of the call by so much.
pub const CLAIM_GRACE_MS: u64 = 15_000;
/// How often a worker looks for deliveries that nobody told it of.
pub const DELIVERY_POLL_MS: u64 = 1_000;
/// What a job gives its service, as JSON.
pub const JOB_INPUT_BYTES_MAX: usize = 256 * 1024;
/// Attempts at a run unless its job says otherwise.
pub const JOB_ATTEMPTS_DEFAULT: u32 = 3;
pub const JOB_ATTEMPTS_CEILING: u32 = 100;
/// For how long a run is attempted and waits for its service.
pub const JOB_EXPIRES_MS_DEFAULT: u64 = 3_600_000;
pub const JOB_EXPIRES_MS_FLOOR: u64 = 1_000;
pub const JOB_EXPIRES_MS_CEILING: u64 = 7 * 24 * 3_600_000;
/// A service's output that is told to the service that follows a run.
pub const RUN_OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// Ended runs that are remembered: of each job, and for how long.
pub const RUNS_KEPT_PER_JOB: i64 = 1_000;
pub const RUNS_KEPT_MS: u64 = 30 * 24 * 3_600_000;
/// Runs of one job that wait for their turn or are under way: more are skipped.
pub const RUNS_OPEN_MAX: usize = 1_000;
/// Due jobs that one transaction looks at: others wait for no more than that.
pub const JOBS_AT_ONCE: i64 = 200;
/// How often due jobs are looked for, and after how long without a look the clockwork is built anew.
pub const JOB_TICK_MS: u64 = 1_000;
pub const JOB_TICK_SILENT_MS: u64 = 3_000;
/// Times that the reply to a save of a job shows, and the metrics' jobs by name; others are counted together.
pub const NEXT_RUNS_SHOWN: usize = 10;
pub const JOB_SERIES_MAX: i64 = 1_000;
/// Characters of an `Idempotency-Key`, what is kept of a reply under it, and for how long.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
pub const IDEMPOTENT_REPLY_BYTES_MAX: u64 = 4 * 1024 * 1024;
pub const IDEMPOTENT_REPLY_KEPT_MS: u64 = 24 * 3_600_000;
/// How long a request of the admin API with an `Idempotency-Key` may take until its change is committed,
/// before a repeat of it takes its place.
pub const ADMIN_CLAIM_MS: u64 = 10_000;
/// Units of work that are committed together, and their bytes.
pub const COMMIT_UNITS_MAX: usize = 512;
pub const COMMIT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A password or a username of a security definition.
pub const PASSWORD_CHARS_MAX: usize = 1024;
pub const USERNAME_CHARS_MAX: usize = 256;
/// Subjects of certificates, and SHA-256s, that a security definition may name.
pub const CERTIFICATES_MAX: usize = 64;
/// The subject of a certificate.
pub const CERTIFICATE_SUBJECT_CHARS_MAX: usize = 512;
/// A host's name (RFC 1035, section 2.3.4), and any name that a broker has: of a virtual host, a queue, an exchange,
/// and a routing key (AMQP 0-9-1, section 4.2.5.3).
pub const HOST_CHARS_MAX: usize = 253;
pub const AMQP_NAME_CHARS_MAX: usize = 255;
/// A property or a header's name (section 4.2.5.3), and all headers of a message: they go in one frame, of 128 KiB as
/// brokers have it.
pub const AMQP_PROPERTY_BYTES_MAX: usize = 255;
pub const AMQP_HEADERS_BYTES_MAX: usize = 64 * 1024;
/// How long a call waits for a broker's confirmation, if its own time is not up before.
pub const PUBLISH_TIMEOUT_MS: u64 = 10_000;
/// Certificates, or a key, of a connection in PEM.
pub const PEM_BYTES_MAX: usize = 64 * 1024;
/// How often a broker and the bus tell each other that they live; who is silent for two of them is taken for gone.
pub const AMQP_HEARTBEAT_S_DEFAULT: u16 = 10;
pub const AMQP_HEARTBEAT_S_CEILING: u16 = 600;
/// AMQP channels by which each worker publishes, and messages that it publishes at once.
pub const AMQP_PUBLISHERS_DEFAULT: u16 = 2;
pub const AMQP_PUBLISHERS_CEILING: u16 = 16;
pub const AMQP_IN_FLIGHT_DEFAULT: u16 = 256;
pub const AMQP_IN_FLIGHT_CEILING: u16 = 10_000;
/// Messages that a worker is handed of one queue before they are answered, and calls that it makes of them at once.
pub const AMQP_PREFETCH_DEFAULT: u16 = 32;
pub const AMQP_PREFETCH_CEILING: u16 = 1_000;
pub const AMQP_CONCURRENCY_DEFAULT: u16 = 8;
pub const AMQP_CONCURRENCY_CEILING: u16 = 1_000;
/// What a queue is bound to.
pub const AMQP_BINDINGS_MAX: usize = 64;
/// Attempts at a message at once after the first one.
pub const AMQP_RETRIES_AT_ONCE_DEFAULT: u32 = 1;
pub const AMQP_RETRIES_AT_ONCE_CEILING: u32 = 10;
/// A connection of kind http: lanes kept for later calls, and bytes of a reply's head (less than this is no bound of
/// what is read at once, to hyper) and of a body either way.
pub const HTTP_IDLE_CEILING: u32 = 1024;
pub const HTTP_REPLY_HEAD_BYTES_FLOOR: u32 = 8 * 1024;
pub const HTTP_REPLY_HEAD_BYTES_CEILING: u32 = 256 * 1024;
pub const HTTP_BODY_BYTES_CEILING: u64 = 16 * 1024 * 1024 * 1024;
/// Bytes of path and query, with what the base URL begins with; also of a redirect's `Location`. A base URL may have half
/// of them.
pub const HTTP_TARGET_BYTES_MAX: usize = 16 * 1024;
pub const HTTP_HOPS_CEILING: u32 = 20;
/// Hosts that redirects may lead to, and networks that an allow-list has.
pub const HTTP_HOSTS_MAX: usize = 256;
pub const HTTP_ALLOWED_MAX: usize = 256;
pub const HTTP_RETRIES_CEILING: u32 = 10;
/// Any time of its settings.
pub const HTTP_MS_CEILING: u64 = 3_600_000;
pub const HTTP_BREAKER_WINDOW_MS_FLOOR: u64 = 100;
pub const HTTP_BREAKER_FAILURES_CEILING: u32 = 10_000;
/// Calls under way, and calls that wait.
pub const HTTP_CONCURRENT_CEILING: u32 = 10_000;
pub const HTTP_PER_SECOND_CEILING: u32 = 1_000_000;
/// Any other text of its settings: a user, a header, a scope.
pub const HTTP_TEXT_CHARS_MAX: usize = 1024;
/// A password, a key or a token, which may say much of itself.
pub const HTTP_CREDENTIAL_CHARS_MAX: usize = 8 * 1024;
/// Statuses of replies that are tried again: at most all that say a failure.
pub const HTTP_STATUSES_MAX: usize = 200;
/// The WSDL of a connection of kind soap: documents, bytes of all of them, what a location has, and how long fetching them
/// may take.
pub const CONNECTION_WSDL_DOCUMENTS_MAX: usize = 32;
pub const CONNECTION_WSDL_BYTES_MAX: usize = 2 * 1024 * 1024;
pub const CONNECTION_WSDL_LOCATION_CHARS_MAX: usize = 2048;
pub const CONNECTION_WSDL_FETCH_MS: u64 = 10_000;
/// Bytes of the WSDLs of all connections together. They go to every worker with each change of any definition, and fit
/// into one document.
pub const CONNECTIONS_WSDL_BYTES_MAX: usize = 6 * 1024 * 1024;
/// The name of a service or a port in it.
pub const CONNECTION_WSDL_NAME_CHARS_MAX: usize = 256;
/// A SOAP channel's namespace and its operation, which tools make file and function names of.
pub const SOAP_NAMESPACE_CHARS_MAX: usize = 512;
pub const SOAP_OPERATION_CHARS_MAX: usize = 128;
/// A dictionary: its systems, a system's name, entries, characters of a code, bytes of all codes together, and of what it
/// is for.
pub const DICTIONARY_SYSTEMS_MIN: usize = 2;
pub const DICTIONARY_SYSTEMS_MAX: usize = 16;
pub const DICTIONARY_SYSTEM_CHARS_MAX: usize = 63;
pub const DICTIONARY_ENTRIES_MAX: usize = 10_000;
pub const DICTIONARY_CODE_CHARS_MAX: usize = 256;
pub const DICTIONARY_CODE_BYTES_MAX: usize = 1024 * 1024;
pub const DICTIONARY_SUMMARY_BYTES_MAX: usize = 1024;
/// Places of a dictionary that do not fit and are told.
pub const DICTIONARY_UNFIT_TOLD_MAX: usize = 100;
/// All dictionaries together: how many, their codes and the bytes of these. They go to every worker with each change of
/// any definition, and fit into one document.
pub const DICTIONARIES_MAX: usize = 256;
pub const DICTIONARIES_CODES_MAX: usize = 200_000;
pub const DICTIONARIES_CODE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Entries of a dictionary that one line of the audit trail shows of those that are others than before.
pub const DICTIONARY_ENTRIES_AUDITED_MAX: usize = 100;
/// The whole configuration as one document: its text, how deep it nests, and what it consists of. All that there may be of
/// WSDLs and dictionaries fits in however it is quoted, and 100,000 jobs: what is exported can be applied.
pub const CONFIGURATION_BYTES_MAX: u64 = 64 * 1024 * 1024;
pub const CONFIGURATION_DEPTH_MAX: usize = 64;
pub const CONFIGURATION_NODES_MAX: usize = 2_000_000;
/// XML from outside: how deep elements nest, what one element may have, the bytes of a name, namespaces
/// that are in force at once, and tags, texts and comments of a document.
pub const XML_DEPTH_MAX: usize = 100;
pub const XML_ATTRIBUTES_MAX: usize = 64;
pub const XML_NAME_BYTES_MAX: usize = 512;
pub const XML_NAMESPACES_MAX: usize = 64;
/// Bytes of a namespace in XML from outside.
pub const XML_NAMESPACE_BYTES_MAX: usize = 4 * 1024;
pub const XML_NODES_MAX: usize = 5_000_000;
/// Characters of the reason why a service has no SOAP.
pub const SOAP_PROBLEM_CHARS_MAX: usize = 1_000;
/// Types of one SOAP payload: WSDL describes them all, and each worker keeps them.
pub const SHAPE_TYPES_MAX: usize = 5_000;
/// Types without a name that stand within each other, and references that lead to references: what handles
/// them recurses.
pub const SHAPE_DEPTH_MAX: usize = 64;
/// Places of a schema that are looked at, repeats counted, until XML's image of it is found.
pub const SHAPE_STEPS_MAX: usize = 500_000;
/// A `$ref`, which is followed wherever it stands.
pub const SCHEMA_REFERENCE_BYTES_MAX: usize = 1024;
/// A name of an element, an attribute or a type, and a namespace that a schema chooses.
pub const XML_NAME_CHARS_MAX: usize = 256;
pub const XML_NAMESPACE_CHARS_MAX: usize = 1024;
/// Header blocks of a SOAP message, and what stands in a security header: a client has a handful.
pub const SOAP_HEADER_BLOCKS_MAX: usize = 200;
/// Bytes of a text in a SOAP header that is kept or answered: an address, a message's id, a password.
pub const SOAP_HEADER_VALUE_BYTES_MAX: usize = 4 * 1024;
/// Parts of an MTOM package, its root included: each takes memory beside its bytes.
pub const MTOM_PARTS_MAX: usize = 1_000;
/// Bytes of the headers of one part.
pub const MTOM_PART_HEADER_BYTES_MAX: usize = 8 * 1024;
/// The documents of a partner's WSDL: how many, bytes of all, and elements that are kept of them.
pub const WSDL_DOCUMENTS_MAX: usize = 200;
pub const WSDL_BYTES_MAX: usize = 16 * 1024 * 1024;
pub const WSDL_NODES_MAX: usize = 400_000;
/// Operations of a partner's port.
pub const WSDL_OPERATIONS_MAX: usize = 2_000;
/// What a partner's schemas come to: types, members of all of them, and places that are looked at, repeats counted.
pub const WSDL_TYPES_MAX: usize = 20_000;
pub const WSDL_MEMBERS_MAX: usize = 200_000;
pub const WSDL_STEPS_MAX: usize = 500_000;
/// Members that are looked at to find what operations come to, all together.
pub const WSDL_VISITS_MAX: usize = 20_000_000;
/// Types that one extends, and groups within each other.
pub const WSDL_DEPTH_MAX: usize = 32;
/// Characters of what a partner says of an operation or an element.
pub const WSDL_DOCUMENTATION_CHARS_MAX: usize = 2_000;
/// How old a UsernameToken may be: so long its nonce is remembered.
pub const TOKEN_AGE_MS_MAX: u64 = 300_000;
/// How far the clock of a caller may be ahead of ours.
pub const TOKEN_SKEW_MS_MAX: u64 = 60_000;
/// Bytes of a UsernameToken's nonce, decoded: each is remembered.
pub const TOKEN_NONCE_BYTES_MAX: usize = 256;
/// Digits that a decimal may take when its exponent is written out: those of the least `f64` and some more.
pub const DECIMAL_EXPANDED_DIGITS_MAX: usize = 400;
/// Objects and arrays within each other in JSON: what serde_json reads.
pub const JSON_DEPTH_MAX: usize = 127;
/// Bytes of JSON that come of a byte of XML, beside its parts and so much: a schema may ask for many empty arrays
/// where XML has nothing.
pub const JSON_PER_XML_MAX: usize = 4;
pub const JSON_SLACK_BYTES: usize = 64 * 1024;

// SQL connections.

/// Connections of a worker to one database.
pub const SQL_CONNECTIONS_DEFAULT: u32 = 8;
pub const SQL_CONNECTIONS_MAX: u32 = 256;
pub const SQL_STATEMENT_MS_DEFAULT: u64 = 30_000;
pub const SQL_MILLISECONDS_MAX: u64 = 3_600_000;
/// Rows of one result that is not a cursor's.
pub const SQL_ROWS_MAX_DEFAULT: u64 = 10_000;
pub const SQL_ROWS_MAX: u64 = 1_000_000;
/// What one result, or one batch of a cursor, takes in memory.
pub const SQL_BYTES_MAX_DEFAULT: u64 = 16 * 1024 * 1024;
pub const SQL_BYTES_MIN: u64 = 1024;
pub const SQL_BYTES_MAX: u64 = 256 * 1024 * 1024;
pub const SQL_NAME_CHARS_MAX: usize = 128;
pub const SQL_PATH_BYTES_MAX: usize = 4096;
