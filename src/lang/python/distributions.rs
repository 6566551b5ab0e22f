//! Import name ↔ distribution name.

use super::requirements::normal;

/// Names that differ by more than case and dashes: (import, distribution).
const KNOWN: &[(&str, &str)] = &[
    ("Crypto", "pycryptodome"),
    ("Crypto", "pycrypto"),
    ("Cryptodome", "pycryptodomex"),
    ("IPython", "ipython"),
    ("MySQLdb", "mysqlclient"),
    ("OpenSSL", "pyopenssl"),
    ("PIL", "pillow"),
    ("Xlib", "python-xlib"),
    ("_pytest", "pytest"),
    ("_yaml", "pyyaml"),
    ("absl", "absl-py"),
    ("apiclient", "google-api-python-client"),
    ("attr", "attrs"),
    ("attrs", "attrs"),
    ("backports", "backports-zoneinfo"),
    ("bs4", "beautifulsoup4"),
    ("cv2", "opencv-python"),
    ("cv2", "opencv-python-headless"),
    ("cv2", "opencv-contrib-python"),
    ("dateutil", "python-dateutil"),
    ("discord", "discord-py"),
    ("django_filters", "django-filter"),
    ("dns", "dnspython"),
    ("docx", "python-docx"),
    ("dotenv", "python-dotenv"),
    ("engineio", "python-engineio"),
    ("exceptiongroup", "exceptiongroup"),
    ("fitz", "pymupdf"),
    ("flask_sqlalchemy", "flask-sqlalchemy"),
    ("git", "gitpython"),
    ("gi", "pygobject"),
    ("github", "pygithub"),
    ("google", "protobuf"),
    ("googleapiclient", "google-api-python-client"),
    ("grpc", "grpcio"),
    ("gridfs", "pymongo"),
    ("bson", "pymongo"),
    ("jose", "python-jose"),
    ("jwt", "pyjwt"),
    ("kafka", "kafka-python"),
    ("ldap", "python-ldap"),
    ("lxml", "lxml"),
    ("magic", "python-magic"),
    ("markdown", "markdown"),
    ("memcache", "python-memcached"),
    ("mpl_toolkits", "matplotlib"),
    ("multipart", "python-multipart"),
    ("nacl", "pynacl"),
    ("opentelemetry", "opentelemetry-api"),
    ("opentelemetry", "opentelemetry-sdk"),
    ("osgeo", "gdal"),
    ("past", "future"),
    ("pkg_resources", "setuptools"),
    ("playhouse", "peewee"),
    ("pptx", "python-pptx"),
    ("psycopg2", "psycopg2-binary"),
    ("pylab", "matplotlib"),
    ("pymysql", "pymysql"),
    ("pythoncom", "pywin32"),
    ("pywintypes", "pywin32"),
    ("rest_framework", "djangorestframework"),
    ("ruamel", "ruamel-yaml"),
    ("sass", "libsass"),
    ("serial", "pyserial"),
    ("setuptools", "setuptools"),
    ("_distutils_hack", "setuptools"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("slugify", "python-slugify"),
    ("snappy", "python-snappy"),
    ("socketio", "python-socketio"),
    ("socks", "pysocks"),
    ("telegram", "python-telegram-bot"),
    ("tlz", "toolz"),
    ("typing_extensions", "typing-extensions"),
    ("usb", "pyusb"),
    ("wx", "wxpython"),
    ("websocket", "websocket-client"),
    ("win32api", "pywin32"),
    ("win32com", "pywin32"),
    ("win32con", "pywin32"),
    ("win32file", "pywin32"),
    ("yaml", "pyyaml"),
    ("zmq", "pyzmq"),
    ("zope", "zope-interface"),
    ("faiss", "faiss-cpu"),
    ("antlr4", "antlr4-python3-runtime"),
    ("umap", "umap-learn"),
    ("pyarrow", "pyarrow"),
    ("tabulate", "tabulate"),
    ("jinja2", "jinja2"),
    ("Levenshtein", "levenshtein"),
    ("pytest", "pytest"),
    ("py", "py"),
    ("py", "pytest"),
    ("sphinx", "sphinx"),
    ("ephemeral_port_reserve", "ephemeral-port-reserve"),
];

/// Prefixes of namespaces that many distributions share: every distribution that starts so may be meant.
const SHARED: &[&str] = &[
    "google",
    "azure",
    "zope",
    "opentelemetry",
    "ruamel",
    "backports",
    "sphinxcontrib",
    "jaraco",
    "types",
    "airflow",
];

/// Plugins of pytest that do not say so in their name.
const PLUGINS: &[&str] = &[
    "anyio",
    "coverage",
    "dirty-equals",
    "factory-boy",
    "faker",
    "freezegun",
    "hypothesis",
    "inline-snapshot",
    "jaxtyping",
    "nbval",
    "pluggy",
    "pyfakefs",
    "requests-mock",
    "respx",
    "sybil",
    "syrupy",
    "typeguard",
    "xdoctest",
];

/// A top-level name that is imported, ready to be compared with many distributions.
pub(super) struct Imported<'a> {
    import: &'a str,
    normal: String,
    known: Vec<&'static str>,
    shared: bool,
}

impl<'a> Imported<'a> {
    pub(super) fn new(import: &'a str) -> Self {
        let known = KNOWN.iter().filter(|(name, _)| *name == import);
        Self {
            import,
            normal: normal(import),
            known: known.map(|(_, distribution)| *distribution).collect(),
            shared: SHARED.contains(&import),
        }
    }

    /// Whether importing the name may load this distribution (normalised).
    pub(super) fn may_load(&self, distribution: &str) -> bool {
        let name = self.normal.as_str();
        distribution == name
            || self.known.contains(&distribution)
            || self.shared
                && distribution
                    .strip_prefix(self.import)
                    .is_some_and(|rest| rest.starts_with('-'))
            || distribution.strip_prefix("python-") == Some(name)
            || distribution.strip_suffix("-python") == Some(name)
            || distribution.strip_prefix("py") == Some(name)
            || distribution.strip_suffix("-binary") == Some(name)
    }
}

/// Whether this distribution acts on every test without being imported by it.
pub(super) fn acts_on_all(distribution: &str) -> bool {
    distribution == "pytest"
        || distribution.starts_with("pytest-")
        || distribution.ends_with("-pytest")
        || PLUGINS.contains(&distribution)
}
