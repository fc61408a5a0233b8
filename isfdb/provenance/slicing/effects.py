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
    "IPython PIL abc altair argparse array ast astropy asyncio atexit attr attrs base64 binascii bisect bokeh bottleneck "
    "builtins bz2 cProfile calendar cftime click cloudpickle cmath codecs collections colorama concurrent configparser "
    "contextlib contextvars copy copyreg csv ctypes cupy cv2 cytoolz dask dataclasses datashader datetime decimal difflib dill "
    "distributed enum fastparquet filelock fnmatch fractions fsspec functools gc geopandas getpass glob gzip h5py hashlib "
    "hdbscan heapq holoviews html html_ http hvplot imageio importlib inspect io ipaddress ipykernel ipywidgets isfdb itertools "
    "jax jinja2 joblib json keyword lightgbm loaderdumpers logging lzma markdown marshal math matplotlib mimetypes mne "
    "more_itertools multiprocessing netCDF4 networkx nibabel nn numba numbers numcodecs numexpr numpy openpyxl operator "
    "optparse os pandas panel pathlib patsy pickle pint platform plotly polars pprint pstats psutil pyarrow pydantic pygments "
    "pyproj pywt queue random rasterio re requests rich sched scipy seaborn secrets select shapely shelve shlex shutil signal "
    "site skimage sklearn skops smtplib soundfile sqlite3 ssl statistics statsmodels string struct subprocess sympy sys tables "
    "tabulate tarfile tempfile tensorflow termcolor textwrap threading tifffile time timeit tomllib toolz torch torchvision "
    "tqdm tqdm_ traceback types typing umap unicodedata urllib uuid warnings weakref wrapt xarray xgboost xml yaml zarr zipfile "
    "zipimport zlib zoneinfo"
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
    "asyncio.create_task asyncio.ensure_future asyncio.gather asyncio.wait_for classmethod collections.ChainMap "
    "collections.OrderedDict collections.UserDict collections.UserList collections.defaultdict collections.deque "
    "collections.namedtuple concurrent.futures.ThreadPoolExecutor contextlib.closing contextlib.nullcontext "
    "contextlib.redirect_stderr contextlib.redirect_stdout copy.copy csv.DictReader csv.DictWriter csv.reader csv.writer "
    "dask.array.from_array dask.delayed dataclasses.replace dict enumerate filter frozenset functools.cache functools.lru_cache "
    "functools.singledispatch functools.wraps io.BufferedReader io.TextIOWrapper iter itertools.accumulate itertools.batched "
    "itertools.chain itertools.combinations itertools.compress itertools.dropwhile "
    "itertools.filterfalse itertools.groupby itertools.islice itertools.pairwise itertools.permutations itertools.product "
    "itertools.repeat itertools.starmap itertools.takewhile itertools.tee itertools.zip_longest list logging.getLogger map "
    "matplotlib.pyplot.subplots max memoryview min multiprocessing.Pool multiprocessing.Process numba.jit numba.njit "
    "numpy.array_split numpy.asanyarray numpy.asarray numpy.ascontiguousarray numpy.asfortranarray numpy.asmatrix "
    "numpy.atleast_1d numpy.atleast_2d numpy.atleast_3d numpy.broadcast_arrays numpy.broadcast_to numpy.diag numpy.diagonal "
    "numpy.dsplit numpy.expand_dims numpy.flip numpy.fliplr numpy.flipud numpy.frombuffer numpy.frompyfunc numpy.hsplit "
    "numpy.imag numpy.lib.recfunctions.structured_to_unstructured numpy.lib.stride_tricks.as_strided "
    "numpy.lib.stride_tricks.sliding_window_view numpy.matrix numpy.matrix_transpose numpy.memmap numpy.moveaxis "
    "numpy.nan_to_num numpy.ndenumerate numpy.nditer numpy.permute_dims numpy.ravel numpy.real numpy.require numpy.reshape "
    "numpy.rollaxis numpy.rot90 numpy.split numpy.squeeze numpy.swapaxes numpy.transpose numpy.unstack numpy.vectorize "
    "numpy.vsplit operator.attrgetter operator.getitem operator.itemgetter operator.methodcaller pandas.DataFrame pandas.Index "
    "pandas.Series property reversed scipy.interpolate.interp1d scipy.sparse.coo_matrix scipy.sparse.csc_matrix "
    "scipy.sparse.csr_matrix set sklearn.compose.ColumnTransformer sklearn.model_selection.GridSearchCV "
    "sklearn.model_selection.RandomizedSearchCV sklearn.model_selection.train_test_split sklearn.pipeline.Pipeline "
    "sklearn.pipeline.make_pipeline slice sorted staticmethod sum super threading.Thread torch.as_tensor torch.chunk "
    "torch.flatten torch.from_numpy torch.reshape torch.split torch.squeeze torch.t torch.transpose torch.unsqueeze "
    "tqdm.auto.tqdm tqdm.notebook.tqdm tqdm.tqdm tqdm.trange tuple types.SimpleNamespace typing.NamedTuple typing.cast vars "
    "weakref.proxy weakref.ref xarray.DataArray xarray.Dataset xarray.Variable xarray.align xarray.as_variable xarray.concat "
    "xarray.merge zip zipfile.ZipFile"
)

#: Builtin functions that leave their arguments alone and give something new.
PURE_BUILTINS: Final = _words(
    "abs all any ascii bin bool bytearray bytes callable chr complex dir display divmod float format hasattr hash help hex id int "
    "isinstance issubclass len oct ord pow print range repr round str type"
)
ALIASING_BUILTINS: Final = _words(
    "classmethod dict enumerate filter frozenset getattr iter list map max memoryview min object property reversed set slice "
    "sorted staticmethod sum tuple zip"
)

#: Methods that change the object they are called on.
CHANGING_METHODS: Final = _words(
    "__delitem__ __iadd__ __imul__ __next__ __setattr__ __setitem__ __setstate__ acquire add addHandler add_ add_edge "
    "add_edges_from add_node add_nodes_from add_subplot advance append appendleft backward clamp_ clear close commit "
    "communicate connect copy_ difference_update discard div_ eval execute executemany executescript extend extendleft fill "
    "fill_ fit fit_predict fit_transform flush get_nowait insert intersection_update itemset join_thread jumpahead kill "
    "load_state_dict load_weights move_to_end mul_ normal_ partial_fit pop popitem popleft put put_nowait read readline "
    "readlines register_buffer release remove removeHandler remove_edge remove_node rename_categories requires_grad_ resize "
    "reverse rollback rotate seed seek send setLevel set_params setdefault setfield setflags shuffle sort start step sub_ "
    "subtract symmetric_difference_update task_done terminate throw train truncate uniform_ update wait write writelines "
    "writerow writerows zero_ zero_grad"
)

#: Methods that change neither their object nor their arguments, whatever well-known type has them.
QUIET_METHODS: Final = _words(
    "abs adjacency agg aggregate align all any apply applymap argmax argmin argpartition argsort argwhere as_integer_ratio "
    "as_posix as_uri asfreq asof assign assign_attrs assign_coords astype at_time between between_time bfill bit_length blocks "
    "broadcast_like byteswap capitalize casefold cat ceil center children choose chunk clip collect combine combine_first "
    "compare compress compute conj conjugate contains convert_dtypes copy corr corrwith count cov cpu cross_val_score cummax "
    "cummin cumprod cumsum date day decision_function decode degree describe detach diagonal diff difference dim display div "
    "divide dot drop drop_duplicates drop_vars droplevel dropna duplicated edges elements encode end endswith entry eq equals "
    "ewm exists expand_dims expanding expandtabs expanduser explode extract extractall ffill fillna filter find findall "
    "first_valid_index flatten floor format format_map from_bytes fromisoformat fromtimestamp fullmatch ge get get_dummies "
    "get_group get_level_values get_params glob group group_by groupby groupdict groups gt has_edge has_node head hex hist "
    "idxmax idxmin index infer_objects info interp interpolate intersection inverse_transform is_absolute is_dir is_file "
    "is_integer isalnum isalpha isascii isdecimal isdigit isdisjoint isel isidentifier isin islower isna isnull isnumeric "
    "isoformat isprintable isspace issubset issuperset istitle isupper item items iterdir iterrows itertuples join joinpath "
    "keys kneighbors kurt lazy le len limit_denominator link ljust lower ls lstrip lt map map_blocks map_overlap map_partitions "
    "mask match max mean median melt memory_usage merge metadata min mode modules most_common mul multiply named_parameters "
    "nanmax nanmin nbytes ne neighbors nlargest nlevels nodes nonzero notna notnull nsmallest number_of_edges number_of_nodes "
    "numel numpy nunique pad parameters parent pct_change persist pipe pivot pivot_table plot pow predecessors predict "
    "predict_log_proba predict_proba prod product ptp quantile quantize query rank ravel rdiv read_bytes read_text rechunk "
    "reindex reindex_like relative_to removeprefix removesuffix rename rename_axis repeat replace resample reset_index reshape "
    "resolve rfind rglob rindex rjust rolling rolling_exp round rpartition rsplit rstrip rsub samefile sample savefig scan "
    "score score_samples searchsorted sel sel_points select select_dtypes sem set_axis set_index shift show size skew slice "
    "slice_replace sort_index sort_values span split splitlines squeeze stack startswith stat state_dict std strftime strip "
    "strptime sub subgraph subn successors sum swap_dims swapaxes swapcase swaplevel symmetric_difference tail take time "
    "timestamp timetuple title to_array to_arrow to_bytes to_csv to_dataframe to_dataset to_delayed to_dict to_excel to_feather "
    "to_frame to_hdf to_html to_json to_latex to_list to_markdown to_netcdf to_numpy to_pandas to_parquet to_pickle to_records "
    "to_series to_sql to_string to_timestamp to_zarr tobytes tolist total_seconds trace transform translate transpose truediv "
    "tz_convert tz_localize union unique unstack upper utcoffset value_counts values var versions view visualize weekday "
    "weighted where with_columns with_name with_stem with_suffix xs year zfill"
)

#: Methods whose result shares nothing with their object: changing it changes nothing else.
FRESH_METHODS: Final = _words(
    "abs all any argmax argmin argpartition argsort argwhere astype bit_length capitalize casefold center clone copy corr count "
    "cov cummax cummin cumprod cumsum decode deepcopy describe diff dot encode endswith equals exists flatten format hex idxmax "
    "idxmin index is_dir is_file isalpha isdigit isna isnull isoformat item len lower lstrip max mean median min mode "
    "most_common nonzero notna nunique predict predict_proba prod ptp quantile read_bytes read_text repeat round rstrip score "
    "searchsorted size startswith std strftime strip sum take timestamp title to_csv to_json to_latex to_markdown to_string "
    "tobytes tolist total_seconds trace upper value_counts var zfill"
)

#: Methods of tables that give others, which share nothing with them.
FRESH_OF_TABLES: Final = _words(
    "add agg aggregate align apply applymap assign bfill clip combine combine_first compare cummax cummin diff div divide dropna drop "
    "drop_duplicates duplicated eq eval explode ffill fillna floordiv ge groupby_ gt interpolate isin join le lt map mask melt merge mod "
    "mul multiply ne nlargest nsmallest pct_change pivot pivot_table pow query radd rank reindex rename rename_axis replace resample_ "
    "reset_index rdiv rmul rsub sample set_axis set_index shift sort_index sort_values stack sub subtract to_dict to_list to_records "
    "transform truediv unstack where add_prefix add_suffix between notnull convert_dtypes infer_objects nsmallest corrwith value_counts"
)
#: Functions whose result holds what they are given, but is none of it.
HOLDING_FUNCTIONS: Final = _words(
    "collections.ChainMap collections.OrderedDict collections.UserDict collections.UserList collections.defaultdict collections.deque "
    "collections.Counter collections.namedtuple contextlib.redirect_stdout contextlib.redirect_stderr contextlib.closing csv.writer "
    "csv.DictWriter csv.reader csv.DictReader dask.array.from_array dask.delayed threading.Thread multiprocessing.Process pandas.DataFrame "
    "pandas.Series pandas.Index xarray.DataArray xarray.Dataset xarray.Variable types.SimpleNamespace numpy.vectorize numpy.frompyfunc "
    "weakref.ref operator.attrgetter operator.itemgetter operator.methodcaller concurrent.futures.ThreadPoolExecutor "
    "scipy.interpolate.interp1d sklearn.model_selection.train_test_split property xarray.concat xarray.merge "
    "logging.getLogger asyncio.gather "
    "asyncio.create_task asyncio.ensure_future asyncio.wait_for"
)
#: Decorators and the like that hand back what they are given, or themselves.
GIVES_ITSELF: Final = _words(
    "dataclasses.dataclass functools.total_ordering functools.wraps enum.unique abc.abstractmethod staticmethod classmethod property "
    "contextlib.contextmanager contextlib.asynccontextmanager typing.cast typing.overload typing.final"
)
#: Builtin functions that look at no member of what they are given, nor call its methods.
LOOKS_AT_NO_MEMBER: Final = _words("type id isinstance issubclass callable hasattr")
#: Functions of numpy -> places of the argument that they write into.
OUT_PLACES: Final[dict[str, tuple[int, ...]]] = {
    **dict.fromkeys(
        (
            "add subtract multiply divide true_divide floor_divide power mod remainder maximum minimum dot matmul logical_and logical_or "
            "fmod fmin fmax arctan2 hypot bitwise_and bitwise_or bitwise_xor left_shift right_shift greater less equal copysign"
        ).split(),
        (2,),
    ),
    **dict.fromkeys(
        (
            "sqrt exp log log2 log10 log1p expm1 sin cos tan arcsin arccos arctan sinh cosh tanh absolute abs fabs negative sign square "
            "reciprocal floor ceil trunc rint isnan isfinite isinf logical_not invert conj conjugate deg2rad rad2deg cbrt exp2"
        ).split(),
        (1,),
    ),
    "clip": (3,),
    "cumsum": (3,),
    "cumprod": (3,),
}
#: Packages whose classes are models that are fitted.
ESTIMATOR_PACKAGES: Final = ("sklearn.", "xgboost.", "lightgbm.", "umap.", "hdbscan.")
#: Models that draw no random numbers when they are fitted.
DETERMINISTIC_ESTIMATORS: Final = _words(
    "LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV Lars LassoLars BayesianRidge ARDRegression HuberRegressor "
    "TheilSenRegressor_ LogisticRegression LogisticRegressionCV StandardScaler MinMaxScaler MaxAbsScaler RobustScaler Normalizer Binarizer "
    "LabelEncoder LabelBinarizer MultiLabelBinarizer OneHotEncoder OrdinalEncoder PolynomialFeatures PowerTransformer FunctionTransformer "
    "SimpleImputer KNNImputer GaussianNB BernoulliNB MultinomialNB ComplementNB KNeighborsClassifier KNeighborsRegressor NearestNeighbors "
    "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis AgglomerativeClustering DBSCAN OPTICS MeanShift Isomap KernelRidge "
    "CountVectorizer TfidfVectorizer TfidfTransformer HashingVectorizer DictVectorizer Pipeline ColumnTransformer FeatureUnion "
    "GridSearchCV VarianceThreshold SelectKBest KernelDensity IsotonicRegression PLSRegression CCA NMF_ SVR LinearSVR_ "
    "EmpiricalCovariance LedoitWolf Nystroem_ StandardScaler TransformedTargetRegressor MultiOutputRegressor KFold TimeSeriesSplit "
    "GroupKFold LeaveOneOut PredefinedSplit"
)
#: Methods that write what something looks like, as the options for display say.
SHOWING_METHODS: Final = _words("to_string to_html to_markdown to_latex __repr__ __str__ _repr_html_ format")
#: Methods by which tables draw.
PLOTTING_METHODS: Final = _words("plot hist boxplot scatter bar barh pie area kde density hexbin line")
#: Kinds of values that nothing can change.
UNCHANGING: Final = _words("number text bytes none path")

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
            "queue.Queue queue.LifoQueue queue.PriorityQueue queue.SimpleQueue asyncio.Queue multiprocessing.Queue io.StringIO io.BytesIO "
            "requests.Session threading.Event threading.Lock threading.local "
            "asyncio.Event multiprocessing.Pool multiprocessing.Manager http.client.HTTPConnection"
        ).split(),
        "stateful",
    ),
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

#: Nobody can say what these do; everything before belongs to the slice.
ANYTHING: Final = _words("exec eval compile globals locals vars __import__ breakpoint get_ipython input")
