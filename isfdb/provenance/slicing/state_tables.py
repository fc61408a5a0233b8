"""What functions of well-known libraries do to what lies in no variable: files, random states, plots, settings. Tables only."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: State that lies in no variable of the user: what touches it, and what sets it anew whatever it was.
RANDOM_STATES: Final[dict[str, str]] = {"random": "<random>", "numpy.random": "<numpy.random>", "torch": "<torch random>"}
SEEDS: Final[dict[str, str]] = {
    "random.seed": "<random>",
    "numpy.random.seed": "<numpy.random>",
    "numpy.random.set_state": "<numpy.random>",
    "random.setstate": "<random>",
    "torch.manual_seed": "<torch random>",
    "torch.random.manual_seed": "<torch random>",
    "torch.set_rng_state": "<torch random>",
}
#: Functions of the modules above that draw nothing.
DRAWS_NOT: Final = _words(
    "numpy.random.BitGenerator numpy.random.Generator numpy.random.MT19937 numpy.random.PCG64 numpy.random.Philox "
    "numpy.random.RandomState numpy.random.SFC64 numpy.random.SeedSequence numpy.random.default_rng numpy.random.get_state "
    "random.Random random.SystemRandom random.getstate"
)
#: Functions of torch that draw from its global state.
TORCH_DRAWS: Final = _words("rand rand_like randn randn_like randint randint_like randperm normal bernoulli multinomial poisson dropout nn")
#: Makers of generators that hold a state of their own.
GENERATORS: Final = _words(
    "jax.random.PRNGKey numpy.random.Generator numpy.random.RandomState numpy.random.default_rng random.Random torch.Generator"
)
#: Functions of libraries that read or write a file named by their first argument; methods by name.
READS_FILE: Final = _words(
    "PIL.Image.open bz2.open csv.reader cv2.imread dask.array.from_zarr dask.dataframe.read_csv dask.dataframe.read_parquet "
    "geopandas.read_file glob.glob glob.iglob gzip.open h5py.File imageio.imread imageio.v3.imread importlib.import_module "
    "importlib.reload io.open joblib.load json.load lzma.open matplotlib.pyplot.imread netCDF4.Dataset nibabel.load numpy.fromfile "
    "numpy.genfromtxt numpy.load numpy.loadtxt numpy.memmap os.listdir os.path.exists os.path.getsize os.path.isdir os.path.isfile "
    "os.scandir os.stat os.walk pandas.read_csv pandas.read_excel pandas.read_feather pandas.read_fwf pandas.read_hdf "
    "pandas.read_html pandas.read_json pandas.read_orc pandas.read_parquet pandas.read_pickle pandas.read_sas pandas.read_spss "
    "pandas.read_sql pandas.read_stata pandas.read_table pandas.read_xml pickle.load polars.read_csv polars.read_json "
    "polars.read_parquet polars.scan_csv polars.scan_parquet pyarrow.csv.read_csv pyarrow.feather.read_feather "
    "pyarrow.feather.read_table pyarrow.parquet.read_table rasterio.open runpy.run_path scipy.io.loadmat scipy.io.wavfile.read "
    "scipy.sparse.load_npz skimage.io.imread soundfile.read sqlite3.connect tarfile.open tifffile.imread tomllib.load torch.load "
    "xarray.load_dataarray xarray.load_dataset xarray.open_dataarray xarray.open_dataset xarray.open_mfdataset xarray.open_zarr "
    "yaml.safe_load zarr.open zarr.open_array zarr.open_group zipfile.ZipFile"
)
WRITES_FILE: Final = _words(
    "bz2.open cv2.imwrite gzip.open h5py.File imageio.imwrite imageio.v3.imwrite io.open joblib.dump json.dump lzma.open "
    "matplotlib.pyplot.imsave matplotlib.pyplot.savefig netCDF4.Dataset numpy.save numpy.savetxt numpy.savez "
    "numpy.savez_compressed os.chmod os.link os.makedirs os.mkdir os.popen os.remove os.rename os.replace os.rmdir os.symlink "
    "os.system os.unlink os.utime pickle.dump pyarrow.csv.write_csv pyarrow.feather.write_feather pyarrow.parquet.write_table "
    "scipy.io.savemat scipy.io.wavfile.write scipy.sparse.save_npz shutil.copy shutil.copy2 shutil.copyfile shutil.copytree "
    "shutil.make_archive shutil.move shutil.rmtree shutil.unpack_archive skimage.io.imsave soundfile.write sqlite3.connect "
    "subprocess.Popen subprocess.call subprocess.check_call subprocess.check_output subprocess.run tarfile.open "
    "tempfile.NamedTemporaryFile tempfile.TemporaryDirectory tempfile.mkdtemp tempfile.mkstemp tifffile.imwrite torch.save "
    "urllib.request.urlretrieve yaml.dump yaml.safe_dump zarr.create_array zarr.open zarr.open_array zarr.open_group zarr.save "
    "zipfile.ZipFile"
)
WRITING_METHODS: Final = _words(
    "create_dataset create_group dump hardlink_to imsave mkdir rmdir save savefig sink_csv sink_parquet symlink_to to_csv to_excel "
    "to_feather to_file to_hdf to_json to_latex to_markdown to_netcdf to_parquet to_pickle to_sql to_stata to_zarr tofile touch "
    "unlink write_bytes write_csv write_html write_image write_json write_parquet write_text"
)
READING_METHODS: Final = _words("read_text read_bytes exists is_file is_dir iterdir glob rglob stat open read readline readlines")

#: Attributes and functions whose answer differs from run to run.
CLOCKS: Final = _words(
    "datetime.date.today datetime.datetime.now datetime.datetime.today datetime.datetime.utcnow os.getpid os.urandom "
    "pandas.Timestamp.now pandas.Timestamp.today secrets.randbelow secrets.token_bytes secrets.token_hex time.ctime time.gmtime "
    "time.localtime time.monotonic time.perf_counter time.strftime time.time time.time_ns uuid.uuid1 uuid.uuid4"
)
NETWORK: Final = _words("requests urllib.request urllib3 http.client httpx aiohttp socket ftplib smtplib boto3 s3fs gcsfs paramiko")

#: Functions that show a random state, and change none.
SHOWS_STATE: Final[dict[str, str]] = {
    "random.getstate": "<random>",
    "numpy.random.get_state": "<numpy.random>",
    "torch.get_rng_state": "<torch random>",
}
#: Layers of torch that begin without random weights.
TORCH_LAYERS_WITHOUT_WEIGHTS: Final = _words(
    "Module ModuleList ModuleDict Sequential Parameter ReLU LeakyReLU PReLU ELU SELU GELU SiLU Sigmoid Tanh Softmax LogSoftmax Softplus "
    "Hardtanh MSELoss L1Loss SmoothL1Loss HuberLoss CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss KLDivLoss BatchNorm1d BatchNorm2d "
    "BatchNorm3d LayerNorm GroupNorm InstanceNorm1d InstanceNorm2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d "
    "AdaptiveAvgPool2d Flatten Unflatten Identity Upsample ZeroPad2d DataParallel"
)
#: Functions of scipy.stats that draw.
SCIPY_DRAWS: Final = _words("rvs bootstrap permutation_test monte_carlo_test resample random_correlation ortho_group special_ortho_group")
#: Parts of scikit-learn whose functions may draw.
SKLEARN_DRAWS: Final = _words(
    "datasets model_selection utils cluster decomposition inspection manifold covariance svm linear_model ensemble"
)
#: Functions and methods that see which files there are in a folder and below.
LISTS_FOLDER: Final = _words("glob.glob glob.iglob os.listdir os.scandir os.walk os.fwalk")
LISTING_METHODS: Final = _words("glob rglob iterdir walk")
#: Functions that write, move or remove a folder with all that is in it.
WRITES_FOLDER: Final = _words("shutil.copytree shutil.make_archive shutil.move shutil.rmtree shutil.unpack_archive")
#: Methods that only paths have, and that write.
WRITING_OF_PATHS: Final = _words("hardlink_to mkdir rmdir symlink_to touch unlink write_bytes write_text")
MAKES_FOLDER: Final = _words("os.mkdir os.makedirs")
#: Functions that read one file and write another -> whether the first is gone then.
FROM_FILE_TO_FILE: Final[dict[str, bool]] = {
    **dict.fromkeys("shutil.copy shutil.copy2 shutil.copyfile os.link os.symlink shutil.copystat".split(), False),
    **dict.fromkeys("os.rename os.replace os.renames".split(), True),
}
#: Functions with a parameter ``mode``, which says whether a file is read or written.
OPENS_FILE: Final = _words(
    "open io.open codecs.open gzip.open bz2.open lzma.open zipfile.ZipFile tarfile.open h5py.File zarr.open "
    "zarr.open_group zarr.open_array "
    "netCDF4.Dataset soundfile.SoundFile wave.open rasterio.open"
)
OPENS_FOR_WRITING: Final = _words("sqlite3.connect tempfile.mkdtemp")
#: Functions whose second argument names the file.
PATH_IS_SECOND: Final[dict[str, int]] = {
    **dict.fromkeys(
        "json.dump pickle.dump cloudpickle.dump dill.dump joblib.dump yaml.dump yaml.safe_dump torch.save pyarrow.parquet.write_table "
        "pyarrow.feather.write_feather pyarrow.csv.write_csv scipy.io.wavfile.write soundfile.write_".split(),
        1,
    )
}
#: Functions that leave nothing of what was in their file before.
WRITES_WHOLE_FILE: Final = _words(
    "numpy.save numpy.savetxt numpy.savez numpy.savez_compressed joblib.dump torch.save matplotlib.pyplot.savefig cv2.imwrite "
    "imageio.imwrite pyarrow.parquet.write_table pyarrow.feather.write_feather scipy.io.savemat tifffile.imwrite"
)
#: Methods of the same kind.
WRITES_WHOLE: Final = _words("to_parquet to_feather to_pickle to_excel write_text write_bytes savefig to_stata write_parquet write_csv")
#: Commands of a shell that only show.
QUIET_COMMANDS: Final = _words(
    "ls cat head tail wc pwd date echo which whoami hostname uname df du free top ps nvidia-smi nproc lscpu env "
    "printenv grep find file stat "
    "tree diff cmp md5sum sha256sum pip conda uv mamba"
)

# Plots
MAKES_FIGURE: Final = _words("figure subplots subplot_mosaic jointplot pairplot catplot displot relplot lmplot clustermap")
SHOWS_FIGURE: Final = _words("show savefig pause draw get_fignums fignum_exists get_figlabels")
#: Functions of pyplot that concern no figure.
DRAWS_NOTHING: Final = _words(
    "ion ioff isinteractive get_cmap switch_backend rc rc_context rcdefaults style imread imsave set_cmap_ get_backend use set_theme set "
    "set_style set_context set_palette color_palette load_dataset reset_defaults despine_ get_dataset_names colormaps rcParams"
)
PLOT_SETTERS: Final = _words(
    "matplotlib.pyplot.rc matplotlib.rc matplotlib.pyplot.rcdefaults matplotlib.rcdefaults matplotlib.use matplotlib.pyplot.switch_backend "
    "seaborn.set_theme seaborn.set seaborn.set_style seaborn.set_context seaborn.set_palette seaborn.reset_defaults "
    "matplotlib.pyplot.style.use matplotlib.style.use matplotlib.pyplot.set_cmap"
)

# Settings
DISPLAY_SETTERS: Final = _words("numpy.set_printoptions polars.Config.set_tbl_rows torch.set_printoptions")
#: Functions that give text which the options for display shape.
DISPLAYS: Final = _words("str repr format ascii numpy.array2string numpy.array_str numpy.array_repr pprint.pformat")
#: Functions whose name says that they set something for all that comes after.
SETTERS: Final = _words(
    "dask.config.set gc.disable gc.enable isfdb.set_options pandas.reset_option pandas.set_option plotly.io.templates polars.Config "
    "polars.enable_string_cache sklearn.set_config sympy.init_printing sys.setrecursionlimit torch.set_default_device "
    "torch.set_default_dtype torch.set_grad_enabled torch.set_num_threads torch.use_deterministic_algorithms xarray.set_options "
    "decimal.setcontext locale.setlocale"
)
SETTING_PREFIXES: Final = ("set_", "register", "use", "enable", "disable", "setdefault")
#: Modules with hidden state: whoever reads them sees what was set.
STATEFUL_MODULES: Final[dict[str, str]] = {
    "warnings": "<warnings>",
    "locale": "<settings>locale",
    "os.chdir": "<working directory>",
    "os.getcwd": "<working directory>",
    "os.path.abspath": "<working directory>",
    "sys.path": "<sys.path>",
    "sys.modules": "<sys.path>",
    "sys.stdout": "<stdout>",
    "sys.stderr": "<stdout>",
    "logging": "<logging>",
}
#: And those whose functions set it.
CHANGED_BY_CALLS: Final[dict[str, str]] = {
    "os.chdir": "<working directory>",
    "sys.path": "<sys.path>",
    "sys.modules": "<sys.path>",
    "locale": "<settings>locale",
    "logging": "<logging>",
}
