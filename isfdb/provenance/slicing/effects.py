"""What the functions and methods of well-known libraries do to what they are given. Tables only; what stands in none may do anything.

A wrong entry that says "changes nothing" makes slices wrong; a missing one only makes them larger. So a name stands here only where
every well-known type that has such a method agrees.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Packages whose functions leave their arguments alone, but for those in CHANGES and for ``out=`` and ``inplace=True``.
QUIET_PACKAGES: Final = _words(
    "abc altair array ast astropy base64 binascii bisect bottleneck bz2 calendar cmath collections concurrent contextlib copy csv ctypes "
    "cupy dask dataclasses datashader datetime decimal difflib distributed enum fnmatch fractions functools gc getpass glob gzip hashlib "
    "h5py html imageio importlib inspect io IPython ipywidgets isfdb itertools joblib json keyword lightgbm logging lzma math matplotlib "
    "mimetypes multiprocessing netCDF4 networkx nibabel numba numbers numexpr numpy openpyxl operator os pandas pathlib patsy pickle PIL "
    "pint platform plotly polars pprint pyarrow queue random re requests scipy seaborn secrets shapely shelve shutil skimage sklearn "
    "soundfile sqlite3 statistics statsmodels string struct subprocess sympy sys tables tarfile tempfile textwrap threading tifffile time "
    "timeit tomllib torch torchvision tqdm traceback types typing unicodedata urllib uuid warnings weakref xarray xgboost xml yaml zarr "
    "zipfile zlib zoneinfo builtins cv2 pywt umap numcodecs fsspec pyproj cftime rasterio geopandas hdbscan tensorflow jax"
)

#: Functions that change arguments: name -> places of those, -1 for all.
CHANGES: Final[dict[str, tuple[int, ...]]] = {
    "bisect.insort": (0,),
    "bisect.insort_left": (0,),
    "bisect.insort_right": (0,),
    "collections.deque.append": (0,),
    "delattr": (0,),
    "heapq.heapify": (0,),
    "heapq.heappop": (0,),
    "heapq.heappush": (0,),
    "heapq.heappushpop": (0,),
    "heapq.heapreplace": (0,),
    "json.dump": (1,),
    "next": (0,),
    "numpy.copyto": (0,),
    "numpy.fill_diagonal": (0,),
    "numpy.place": (0,),
    "numpy.put": (0,),
    "numpy.put_along_axis": (0,),
    "numpy.putmask": (0,),
    "numpy.random.shuffle": (0,),
    "operator.delitem": (0,),
    "operator.iadd": (0,),
    "operator.iand": (0,),
    "operator.iconcat": (0,),
    "operator.imul": (0,),
    "operator.ior": (0,),
    "operator.isub": (0,),
    "operator.setitem": (0,),
    "pickle.dump": (1,),
    "random.shuffle": (0,),
    "scipy.linalg.lapack": (-1,),
    "setattr": (0,),
    "sklearn.utils.shuffle": (),
    "torch.nn.init": (0,),
}

#: Functions that call what they are given, or hand it on: their result may hold, or be, any argument.
ALIASING_FUNCTIONS: Final = _words(
    "numpy.array_split numpy.asanyarray numpy.asarray numpy.ascontiguousarray numpy.asfortranarray numpy.atleast_1d numpy.atleast_2d "
    "numpy.atleast_3d numpy.broadcast_arrays numpy.broadcast_to numpy.diagonal numpy.dsplit numpy.expand_dims numpy.flip numpy.fliplr "
    "numpy.flipud numpy.frombuffer numpy.hsplit numpy.imag numpy.lib.stride_tricks.as_strided numpy.lib.stride_tricks.sliding_window_view "
    "numpy.moveaxis numpy.nan_to_num numpy.ndenumerate numpy.nditer numpy.ravel numpy.real numpy.require numpy.reshape numpy.rollaxis "
    "numpy.rot90 numpy.split numpy.squeeze numpy.swapaxes numpy.transpose numpy.vsplit numpy.diag numpy.matrix numpy.asmatrix numpy.unstack "
    "numpy.permute_dims numpy.matrix_transpose numpy.array numpy.memmap "
    "pandas.Series pandas.DataFrame pandas.Index pandas.concat torch.from_numpy torch.as_tensor torch.reshape torch.squeeze "
    "torch.transpose torch.unsqueeze torch.flatten torch.split torch.chunk torch.t xarray.DataArray xarray.Dataset xarray.as_variable "
    "copy.copy dict list tuple set frozenset iter next zip map filter enumerate reversed sorted max min getattr vars super sum "
    "dask.array.from_array dask.delayed itertools.chain itertools.cycle itertools.islice itertools.product itertools.repeat "
    "itertools.starmap itertools.tee itertools.zip_longest itertools.groupby itertools.accumulate itertools.takewhile itertools.dropwhile "
    "itertools.filterfalse itertools.permutations itertools.combinations itertools.compress itertools.count itertools.pairwise "
    "itertools.batched collections.OrderedDict collections.defaultdict collections.deque collections.ChainMap collections.UserDict "
    "collections.UserList functools.partial functools.reduce functools.lru_cache functools.cache functools.wraps functools.singledispatch "
    "operator.itemgetter operator.attrgetter operator.getitem types.SimpleNamespace dataclasses.replace memoryview slice "
    "threading.Thread multiprocessing.Process concurrent.futures.ThreadPoolExecutor multiprocessing.Pool weakref.ref weakref.proxy "
    "contextlib.nullcontext contextlib.closing typing.cast tqdm.tqdm tqdm.auto.tqdm tqdm.notebook.tqdm tqdm.trange staticmethod "
    "classmethod property numpy.vectorize numpy.frompyfunc numba.jit numba.njit scipy.interpolate.interp1d scipy.sparse.csr_matrix "
    "scipy.sparse.csc_matrix scipy.sparse.coo_matrix xarray.merge xarray.concat xarray.align matplotlib.pyplot.subplots "
    "sklearn.pipeline.make_pipeline sklearn.pipeline.Pipeline sklearn.model_selection.train_test_split "
    "sklearn.model_selection.GridSearchCV sklearn.model_selection.RandomizedSearchCV sklearn.compose.ColumnTransformer"
)

#: Builtin functions that leave their arguments alone and give something new.
PURE_BUILTINS: Final = _words(
    "abs all any ascii bin bool bytearray bytes callable chr complex dir divmod float format hasattr hash hex id int isinstance issubclass "
    "len oct ord pow print range repr round str type display help"
)
ALIASING_BUILTINS: Final = _words(
    "dict list tuple set frozenset iter zip map filter enumerate reversed sorted max min getattr memoryview slice sum property "
    "staticmethod classmethod object"
)

#: Methods that change the object they are called on.
CHANGING_METHODS: Final = _words(
    "add add_edge add_edges_from add_node add_nodes_from add_subplot append appendleft backward byteswap_ clear compute_chunk_sizes_ "
    "difference_update discard eval extend extendleft fill fit fit_transform insert intersection_update itemset move_to_end partial_fit "
    "pop popitem popleft put remove remove_edge remove_node requires_grad_ reverse rotate seed send set_params setdefault setfield setflags "
    "shuffle sort step subtract symmetric_difference_update train update write writelines writerow writerows zero_grad zero_ "
    "__delitem__ __iadd__ __imul__ __setattr__ __setitem__ __setstate__ add_ mul_ sub_ div_ copy_ fill_ normal_ uniform_ clamp_ "
    "set_index_ load_state_dict load_weights resize advance jumpahead close flush read readline readlines seek truncate "
    "fit_predict register_buffer execute executemany executescript commit rollback next_ __next__ throw"
)

#: Methods that change neither their object nor their arguments, whatever well-known type has them.
QUIET_METHODS: Final = _words(
    # numbers, arrays
    "all any argmax argmin argpartition argsort astype byteswap ceil choose clip compress conj conjugate copy corr cov cummax cummin "
    "cumprod cumsum diagonal diff dot flatten floor item max mean median min nonzero prod ptp ravel repeat reshape round searchsorted "
    "squeeze std sum swapaxes take tobytes tolist trace transpose var view "
    # frames and series
    "abs agg aggregate align apply applymap asfreq asof assign at_time between between_time bfill combine combine_first compare "
    "convert_dtypes corrwith count describe div divide dropna duplicated eq equals ewm expanding explode ffill fillna filter first_valid_index "
    "ge get_group groupby gt head hist idxmax idxmin infer_objects interpolate isin isna isnull iterrows items itertuples join kurt le lt "
    "map mask melt memory_usage merge mode mul multiply ne nlargest notna notnull nsmallest nunique pct_change pipe pivot pivot_table plot "
    "pow product quantile query rank reindex reindex_like rename_axis replace resample reset_index rolling rdiv rsub sample select_dtypes "
    "sem set_axis set_index shift skew sort_index sort_values stack sub subtract_ swaplevel tail to_csv to_dict to_excel to_feather to_frame "
    "to_hdf to_html to_json to_latex to_list to_markdown to_netcdf to_numpy to_parquet to_pickle to_records to_sql to_string to_timestamp to_zarr "
    "transform truediv tz_convert tz_localize unique unstack value_counts where xs rename drop drop_duplicates droplevel nlevels "
    "drop_vars isel sel sel_points interp assign_attrs assign_coords expand_dims swap_dims broadcast_like rolling_exp weighted to_dataset "
    "to_dataframe to_array chunk load_ rechunk map_blocks map_partitions map_overlap compute persist blocks to_delayed visualize "
    "nanmax nanmin get_level_values to_series to_pandas to_arrow collect lazy select with_columns group_by scan "
    # text
    "capitalize casefold center decode encode endswith expandtabs find format format_map index isalnum isalpha isascii isdecimal isdigit "
    "isidentifier islower isnumeric isprintable isspace istitle isupper ljust lower lstrip partition_ removeprefix removesuffix rfind rindex "
    "rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill cat contains extract extractall "
    "findall fullmatch get get_dummies len match pad slice slice_replace sub_ subn group groups groupdict span start end "
    # dicts, sets, dates, paths, files that are named
    "as_posix as_uri conjugate_ date day difference exists expanduser fromisoformat fromtimestamp glob hex intersection is_absolute is_dir "
    "is_file isdisjoint isoformat issubset issuperset iterdir joinpath keys most_common elements normalize_ parent read_bytes read_text "
    "relative_to resolve rglob samefile stat strftime strptime symmetric_difference timestamp time timetuple total_seconds union utcoffset "
    "values weekday with_name with_suffix with_stem year as_integer_ratio bit_length from_bytes to_bytes is_integer quantize limit_denominator "
    # estimators, graphs, plots that were made
    "decision_function get_params predict predict_log_proba predict_proba score score_samples transform_ inverse_transform kneighbors "
    "adjacency degree edges has_edge has_node neighbors nodes number_of_edges number_of_nodes predecessors successors subgraph "
    "savefig numpy cpu detach tolist_ size dim numel type_ state_dict parameters named_parameters children modules argwhere "
    "cross_val_score info ls show display entry versions link nbytes metadata"
)

#: Methods whose result shares nothing with their object: changing it changes nothing else.
FRESH_METHODS: Final = _words(
    "abs all any argmax argmin argpartition argsort astype capitalize casefold center copy corr count cov cumprod cumsum decode describe "
    "deepcopy diff dot encode endswith exists flatten format index isdigit isna isnull item isalpha join_ keys_ len lower lstrip max mean "
    "median min mode nonzero notna nunique predict predict_proba prod ptp quantile read_bytes read_text repeat replace_ round rstrip score "
    "searchsorted size startswith std strftime strip sum take to_csv to_json to_numpy_ tobytes tolist title trace upper value_counts var "
    "zfill is_file is_dir total_seconds isoformat timestamp most_common hex bit_length"
)

#: Kinds of values that nothing can change.
UNCHANGING: Final = _words("number text bytes none")

#: Constructors and functions -> what kind of value they give.
GIVES: Final[dict[str, str]] = {
    **dict.fromkeys(
        "len int float bool complex abs round ord hash id divmod pow isinstance issubclass callable hasattr any all".split(), "number"
    ),
    **dict.fromkeys("str repr ascii format chr hex oct bin".split(), "text"),
    "bytes": "bytes",
    "print": "none",
    **dict.fromkeys(
        (
            "numpy.zeros numpy.ones numpy.empty numpy.full numpy.arange numpy.linspace numpy.logspace numpy.eye numpy.identity numpy.sin "
            "numpy.cos numpy.exp numpy.log numpy.sqrt numpy.concatenate numpy.stack numpy.hstack numpy.vstack numpy.where numpy.dot "
            "numpy.cumsum numpy.diff numpy.sort numpy.unique numpy.histogram numpy.meshgrid numpy.convolve numpy.interp numpy.loadtxt "
            "numpy.genfromtxt numpy.load numpy.array numpy.asarray numpy.zeros_like numpy.ones_like numpy.full_like numpy.random.rand "
            "numpy.random.randn numpy.random.random numpy.random.normal numpy.random.uniform numpy.random.randint numpy.random.choice "
            "numpy.random.permutation numpy.tile numpy.repeat numpy.add numpy.multiply numpy.subtract numpy.divide numpy.clip numpy.copy"
        ).split(),
        "array",
    ),
    **dict.fromkeys(
        (
            "math.sqrt math.sin math.cos math.exp math.log math.floor math.ceil math.pi statistics.mean statistics.median time.time "
            "random.random random.randint random.gauss random.uniform numpy.mean numpy.sum numpy.std numpy.var numpy.median"
        ).split(),
        "number",
    ),
    **dict.fromkeys(
        "pandas.read_csv pandas.read_parquet pandas.read_excel pandas.read_json pandas.read_hdf pandas.read_feather pandas.DataFrame "
        "pandas.concat pandas.merge pandas.pivot_table pandas.get_dummies pandas.Series pandas.date_range pandas.cut pandas.qcut".split(),
        "table",
    ),
}

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
    "random.Random random.SystemRandom random.getstate numpy.random.Generator numpy.random.PCG64 numpy.random.RandomState "
    "numpy.random.SeedSequence numpy.random.default_rng numpy.random.get_state numpy.random.MT19937 numpy.random.Philox numpy.random.SFC64 "
    "numpy.random.BitGenerator"
)
#: Functions of torch that draw from its global state.
TORCH_DRAWS: Final = _words("rand rand_like randn randn_like randint randint_like randperm normal bernoulli multinomial poisson dropout nn")
#: Makers of generators that hold a state of their own.
GENERATORS: Final = _words(
    "numpy.random.default_rng numpy.random.RandomState numpy.random.Generator random.Random torch.Generator jax.random.PRNGKey"
)
#: scikit-learn and friends draw from numpy's global state unless told a ``random_state``.
DRAWS_WITHOUT_STATE: Final = _words("sklearn scipy.stats umap hdbscan lightgbm xgboost")

#: Functions of libraries that read or write a file named by their first argument; methods by name.
READS_FILE: Final = _words(
    "numpy.load numpy.loadtxt numpy.genfromtxt numpy.fromfile numpy.memmap pandas.read_csv pandas.read_table pandas.read_excel "
    "pandas.read_parquet pandas.read_json pandas.read_hdf pandas.read_feather pandas.read_pickle pandas.read_sql pandas.read_fwf "
    "pandas.read_html pandas.read_orc pandas.read_stata pandas.read_spss pandas.read_sas pandas.read_xml xarray.open_dataset "
    "xarray.open_dataarray xarray.open_mfdataset xarray.open_zarr xarray.load_dataset xarray.load_dataarray json.load pickle.load yaml.safe_load "
    "joblib.load torch.load scipy.io.loadmat scipy.io.wavfile.read scipy.sparse.load_npz PIL.Image.open imageio.imread imageio.v3.imread "
    "matplotlib.pyplot.imread skimage.io.imread tifffile.imread cv2.imread h5py.File netCDF4.Dataset zarr.open zarr.open_array "
    "zarr.open_group polars.read_csv polars.read_parquet polars.scan_csv polars.scan_parquet polars.read_json dask.dataframe.read_csv "
    "dask.dataframe.read_parquet dask.array.from_zarr os.listdir os.path.exists os.path.getsize os.path.isfile os.path.isdir os.stat "
    "os.scandir os.walk glob.glob glob.iglob sqlite3.connect zipfile.ZipFile tarfile.open gzip.open bz2.open lzma.open io.open "
    "pyarrow.parquet.read_table pyarrow.feather.read_table pyarrow.feather.read_feather pyarrow.csv.read_csv nibabel.load "
    "soundfile.read geopandas.read_file rasterio.open tomllib.load csv.reader runpy.run_path importlib.import_module importlib.reload"
)
WRITES_FILE: Final = _words(
    "numpy.save numpy.savetxt numpy.savez numpy.savez_compressed matplotlib.pyplot.savefig matplotlib.pyplot.imsave joblib.dump torch.save "
    "scipy.io.savemat scipy.io.wavfile.write scipy.sparse.save_npz imageio.imwrite imageio.v3.imwrite skimage.io.imsave tifffile.imwrite "
    "cv2.imwrite os.remove os.unlink os.rename os.replace os.mkdir os.makedirs os.rmdir os.link os.symlink os.utime os.chmod shutil.copy "
    "shutil.copy2 shutil.copyfile shutil.copytree shutil.move shutil.rmtree shutil.make_archive shutil.unpack_archive "
    "urllib.request.urlretrieve pyarrow.parquet.write_table pyarrow.feather.write_feather pyarrow.csv.write_csv json.dump pickle.dump "
    "yaml.dump yaml.safe_dump subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen os.system "
    "os.popen tempfile.mkdtemp tempfile.mkstemp tempfile.NamedTemporaryFile tempfile.TemporaryDirectory h5py.File netCDF4.Dataset zarr.open "
    "zarr.save zarr.open_group zarr.open_array zarr.create_array sqlite3.connect zipfile.ZipFile tarfile.open soundfile.write gzip.open "
    "bz2.open lzma.open io.open"
)
WRITING_METHODS: Final = _words(
    "to_csv to_excel to_feather to_hdf to_json to_latex to_markdown to_netcdf to_parquet to_pickle to_sql to_stata to_zarr tofile dump "
    "savefig save write_text write_bytes write_csv write_parquet write_json write_html write_image sink_parquet sink_csv mkdir rmdir unlink "
    "touch rename_ symlink_to hardlink_to extractall_ to_file imsave create_dataset create_group write"
)
READING_METHODS: Final = _words("read_text read_bytes exists is_file is_dir iterdir glob_ rglob_ stat open read readline readlines")

#: Attributes and functions whose answer differs from run to run.
CLOCKS: Final = _words(
    "time.time time.time_ns time.monotonic time.perf_counter time.ctime time.localtime time.gmtime time.strftime datetime.datetime.now "
    "datetime.datetime.utcnow datetime.datetime.today datetime.date.today pandas.Timestamp.now pandas.Timestamp.today uuid.uuid1 uuid.uuid4 "
    "os.urandom secrets.token_hex secrets.token_bytes secrets.randbelow os.getpid"
)
NETWORK: Final = _words("requests urllib.request urllib3 http.client httpx aiohttp socket ftplib smtplib boto3 s3fs gcsfs paramiko")

#: Modules with hidden state that statements set and others use.
STATEFUL_MODULES: Final[dict[str, str]] = {
    "matplotlib.pyplot": "<plot>",
    "seaborn": "<plot>",
    "warnings": "<warnings>",
    "locale": "<locale>",
    "decimal.getcontext": "<decimal>",
    "decimal.setcontext": "<decimal>",
    "os.chdir": "<working directory>",
    "os.getcwd": "<working directory>",
    "os.environ": "<environ>",
    "os.putenv": "<environ>",
    "os.getenv": "<environ>",
    "sys.path": "<sys.path>",
    "logging": "<logging>",
}
#: Functions whose name says that they set something for all that comes after.
SETTERS: Final = _words(
    "numpy.seterr numpy.set_printoptions numpy.seterrcall pandas.set_option pandas.reset_option torch.set_default_dtype "
    "torch.set_default_device torch.set_num_threads torch.use_deterministic_algorithms torch.set_grad_enabled xarray.set_options "
    "dask.config.set sklearn.set_config isfdb.set_options matplotlib.use matplotlib.rc matplotlib.rcParams.update sys.setrecursionlimit "
    "random.seed numpy.random.seed plotly.io.templates polars.Config polars.enable_string_cache gc.disable gc.enable sympy.init_printing"
)

#: Nobody can say what these do; everything before belongs to the slice.
ANYTHING: Final = _words("exec eval compile globals locals vars __import__ breakpoint get_ipython input")
